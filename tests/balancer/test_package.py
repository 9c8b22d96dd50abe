"""cicd-traffic as a package."""

import subprocess
from pathlib import Path

import pytest

from balancer.build import PACKAGE
from balancer.config import Config
from deb.version import version
from follow.settings import load
from tests.debian_package import lintian, unpacked, verified


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return PACKAGE.build(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def tree(package: Path) -> Path:
    return unpacked(package)


def test_lintian_finds_nothing(package):
    code, found = lintian(package)

    assert code == 0, found


def test_the_program_needs_nothing_but_what_the_package_brings(tree):
    said = subprocess.run([tree / "usr/bin/cicd-traffic", "--version"], capture_output=True, text=True)

    assert said.stdout == f"{version()}\n"


def test_a_setting_that_is_none_is_named_with_its_line(tree, tmp_path):
    (tmp_path / "traffic.conf").write_text("# a comment\nCONSUL_HTTP_ADR=http://127.0.0.1\n")
    command = [tree / "usr/bin/cicd-traffic", "--config", tmp_path / "traffic.conf"]
    said = subprocess.run(command, capture_output=True, text=True)

    assert said.returncode == 1
    assert f"{tmp_path}/traffic.conf:2 is not a setting: CONSUL_HTTP_ADR" in said.stderr


def test_the_settings_that_it_brings_are_conffiles_and_those_without_a_file(tree):
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/cicd/traffic.conf\n"
    settings = load(str(tree / "etc/cicd/traffic.conf"), Config)
    assert settings == Config(node=settings.node)


def test_its_unit_is_one(tree):
    assert verified(tree, "cicd-traffic.service") == (0, "")
