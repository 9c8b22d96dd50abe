"""cicd-render as a package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deb.version import version
from follow.settings import load
from render.build import build
from render.config import Config


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def tree(package: Path) -> Path:
    subprocess.run(["dpkg-deb", "-R", package, package.parent / "tree"], check=True)
    return package.parent / "tree"


def test_lintian_finds_nothing(package):
    command = ["lintian", "--allow-root", "--fail-on", "warning,error", str(package)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout


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


def test_its_unit_is_one(tree, tmp_path):
    unit = (tree / "usr/lib/systemd/system/cicd-render.service").read_text()
    (tmp_path / "cicd-render.service").write_text(unit.replace("/usr/bin/", f"{tree}/usr/bin/"))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
    found = subprocess.run([*command, tmp_path / "cicd-render.service"], capture_output=True, text=True)

    assert (found.returncode, found.stderr) == (0, "")
