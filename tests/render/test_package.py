"""cicd-render as a package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deb.version import version
from follow.settings import load
from render.build import PACKAGE
from render.config import Config
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
    said = subprocess.run([tree / "usr/bin/cicd-render", "--version"], capture_output=True, text=True)

    assert said.stdout == f"{version()}\n"


def test_the_settings_that_it_brings_are_conffiles_and_those_without_a_file(tree):
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/cicd/render.conf\n"
    settings = load(str(tree / "etc/cicd/render.conf"), Config)
    assert settings == Config(node=settings.node)


def test_its_template_is_beside_its_program(tree):
    assert (tree / "usr/lib/cicd-render/render/templates/haproxy.cfg.j2").exists()
    assert (tree / "usr/share/doc/cicd-render/examples/haproxy.yaml").exists()


def test_its_unit_is_one(tree):
    assert verified(tree, "cicd-render.service") == (0, "")
