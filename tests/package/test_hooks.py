"""When the hooks of a project run: dpkg installs, upgrades and removes packages of both builders for real."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.building import DRIVERS, BuildHost, commit, project, run, write
from tests.package.throwaway import Throwaway

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may lay a file system over this one")
HOOKS = ("before_install", "after_install", "before_remove", "after_remove", "after_purge")
BASE = {"version": "1.0.0", "description": "Greets.", "conffiles": ["/opt/app/app.conf"]}
DATA = "/var/lib/app-data"
LOSES_DATA = f"#!/bin/sh\necho after_remove $1 >>/log\nrm -rf {DATA}\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Throwaway]:
    found = Throwaway(tmp_path / "root")
    yield found
    found.close()


class Versions:
    """A project with every hook, whose versions are built one after the other."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.repository, self.driver = project(folder / "app"), driver
        self.builder = BuildHost(folder / "home", self.repository)
        for name in HOOKS:
            self.hook(name)
        paths = {name: f"script/{name}" for name in HOOKS}
        write(self.repository / "fpm.json", json.dumps({**BASE, **paths}))

    def hook(self, name: str, text: str = "") -> None:
        log = f"#!/bin/sh\n# 100% $HOME \\ '\"é\necho {name} $1 >>/log\n"
        write(self.repository / "script" / name, text or log, executable=True)

    def build(self, **files: str) -> str:
        for name, text in files.items():
            write(self.repository / name, text)
        return self.builder.build(commit(self.repository), self.driver, f"r{os.urandom(4).hex()}")["file"]


@pytest.fixture(params=DRIVERS)
def versions(request: pytest.FixtureRequest, tmp_path: Path) -> Versions:
    return Versions(tmp_path, request.param)


def older(folder: Path, version: str) -> Path:
    """A package as it was built when preinst and postrm were the project's own scripts."""
    tree = folder / version
    write(tree / "opt/app/content", version)
    write(tree / "DEBIAN/postrm", LOSES_DATA, executable=True)
    write(tree / "DEBIAN/preinst", "#!/bin/sh\necho before_install $1 >>/log\n", executable=True)
    control = f"Package: app\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@example.com>\n"
    write(tree / "DEBIAN/control", f"{control}Description: A test.\n")
    built = folder / f"app_{version}_all.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(tree), str(built))
    return built


def said(host: Throwaway) -> list[str]:
    """What the hooks noted since the last question."""
    lines = list(host.lines("/log"))
    host.run("rm", "-f", "/log")
    return lines


def test_each_hook_runs_when_its_name_says_and_at_no_other_time(versions, host):
    first, second = versions.build(), versions.build(more="x")
    host.install(first)
    assert said(host) == ["before_install install", "after_install configure"]
    host.install(second)
    assert said(host) == ["before_install upgrade", "after_install configure"]
    host.install(first)
    assert said(host) == ["before_install upgrade", "after_install configure"]
    host.run("dpkg", "--remove", "app")
    assert said(host) == ["before_remove remove", "after_remove remove"]
    host.run("dpkg", "--purge", "app")
    assert said(host) == ["after_purge purge"]
    host.install(first)
    said(host)
    host.run("dpkg", "--purge", "app")
    assert said(host) == ["before_remove remove", "after_remove remove", "after_purge purge"]
    assert host.lines("/var/lib/.cicd-*") == []


def test_an_upgrade_that_dpkg_gives_up_runs_no_hook_of_a_removal(versions, host):
    first = versions.build()
    versions.hook("before_install", "#!/bin/sh\necho refused >&2\nexit 3\n")
    second = versions.build(more="x")
    host.install(first)
    said(host)
    done = host.try_install(second)

    assert "before_install ended with exit status 3" in done.stdout + done.stderr
    assert said(host) == []
    assert host.run("dpkg-query", "-W", "-f", "${Status}", "app") == "install ok installed"


def test_a_hook_may_be_of_any_language_and_any_bytes(versions, host):
    program = "#!/usr/bin/perl\nopen(F, '>>', '/log'); print F \"perl @ARGV\\n\"; close F;"
    versions.hook("after_remove", f"{program} # \x01\x7f ü\n__END__\nEND\n")
    host.install(versions.build())
    host.run("dpkg", "--remove", "app")

    assert said(host)[-1] == "perl remove"


def test_data_survives_the_upgrade_of_a_package_whose_postrm_is_the_projects_own_script(
    versions, host, tmp_path
):
    host.install(older(tmp_path, "0.9-1"))
    host.run("mkdir", "-p", f"{DATA}/orders")
    versions.hook("after_remove", LOSES_DATA)
    new = versions.build()
    host.install(new)
    assert "after_remove upgrade" not in said(host)
    host.run("test", "-d", f"{DATA}/orders")

    back = host.try_install(older(tmp_path, "0.9-1"))
    assert back.returncode == 0, back.stderr
    host.install(new)
    host.run("test", "-d", f"{DATA}/orders")
    assert "after_remove" not in " ".join(said(host))

    host.run("dpkg", "--remove", "app")
    assert host.try_run("test", "-d", DATA).returncode == 1


def test_the_projects_own_postrm_still_runs_at_a_removal_when_the_upgrade_failed(versions, host, tmp_path):
    host.install(older(tmp_path, "0.9-1"))
    versions.hook("before_install", "#!/bin/sh\nexit 1\n")
    assert host.try_install(versions.build()).returncode == 1
    said(host)
    host.run("dpkg", "--remove", "app")
    host.run("dpkg", "--purge", "app")

    assert said(host) == ["after_remove remove", "after_remove purge"]
