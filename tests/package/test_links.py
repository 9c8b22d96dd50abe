"""What is on a host equals the package, whatever was a directory or a symbolic link before."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.building import DRIVERS, BuildHost, commit, project, write
from tests.package.throwaway import Throwaway

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may lay a file system over this one")
CLASHING = '{"version": "1", "description": "x", "name": "other", "prefix": "/opt/app/zone"}'
OUTSIDE = "/var/lib/app-outside"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Throwaway]:
    found = Throwaway(tmp_path / "root")
    yield found
    found.close()


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Versions:
    """A project whose folder `public` is what a version says."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.repository, self.driver = project(folder / "app"), driver
        (self.repository / "fpm.json").write_text('{"version": "1.0.0", "description": "x"}')
        self.builder = BuildHost(folder / "home", self.repository)

    def build(self, **public: str) -> str:
        """Build a version where `public` has files, or with `link` is a link there."""
        path = self.repository / "public"
        if path.is_symlink():
            path.unlink()
        shutil.rmtree(path, ignore_errors=True)
        if "link" in public:
            path.symlink_to(public["link"])
        else:
            for name, text in public.items():
                write(path / name.replace("_", "/"), text)
        return self.builder.build(commit(self.repository), self.driver, f"r{os.urandom(4).hex()}")["file"]


@pytest.fixture
def versions(driver: str, tmp_path: Path) -> Versions:
    made = Versions(tmp_path, driver)
    write(made.repository / "assets/a", "asset")
    return made


def public(host: Throwaway) -> dict[str, str]:
    return {
        name: text for name, text in host.tree("/opt/app").items() if name.startswith(("public", "assets"))
    }


def test_a_directory_that_becomes_a_link_and_a_directory_again_is_what_each_version_says(versions, host):
    directory = versions.build(a="1", deep_b="2")
    link = versions.build(link="assets")
    host.install(directory)
    as_directory = public(host)
    host.install(link)
    as_link = public(host)
    host.install(directory)

    assert as_directory == public(host) == {"assets/a": "asset", "public/a": "1", "public/deep/b": "2"}
    assert as_link == {"assets/a": "asset", "public": "-> assets"}
    assert host.run("dpkg", "--verify", "app") == ""
    host.install(link, link)
    assert public(host) == as_link
    host.run("dpkg", "--purge", "app")
    assert host.try_run("test", "-e", "/opt/app").returncode == 1


def test_what_a_link_led_to_outside_of_the_package_is_left_alone(versions, host):
    link, directory = versions.build(link=OUTSIDE), versions.build(a="1")
    host.run("mkdir", OUTSIDE)
    host.run("sh", "-c", f"echo data >{OUTSIDE}/a")
    host.install(directory, link)
    assert host.tree(OUTSIDE) == {"a": "data\n"}
    host.install(directory)
    assert host.tree(OUTSIDE) == {"a": "data\n"}
    assert public(host) == {"assets/a": "asset", "public/a": "1"}
    assert host.try_run("test", "-L", "/opt/app/public.cicd-old").returncode == 1


def test_files_of_others_in_a_directory_that_becomes_a_link_refuse_before_anything_is_touched(versions, host):
    directory, link = versions.build(a="1"), versions.build(link="assets")
    host.install(directory)
    host.run("sh", "-c", "mkdir /opt/app/public/__pycache__; echo x >/opt/app/public/__pycache__/a.pyc")
    host.run("sh", "-c", "echo photo >/opt/app/public/upload")
    before = host.tree("/opt/app")
    done = host.try_install(link)

    assert done.returncode == 1
    assert "app did not bring: move them away first: /opt/app/public/upload\n" in done.stderr + done.stdout
    assert host.tree("/opt/app") == before
    assert host.run("dpkg-query", "-W", "-f", "${Status}", "app") == "install ok installed"
    host.run("rm", "/opt/app/public/upload")
    host.install(link)
    assert public(host) == {"assets/a": "asset", "public": "-> assets"}


def test_an_upgrade_that_dpkg_gives_up_leaves_the_link_as_it_was(versions, host, tmp_path):
    other = Versions(tmp_path / "other", versions.driver)
    write(other.repository / "fpm.json", CLASHING)
    host.install(versions.build(link="assets"), other.build(b="1"))
    before = host.tree("/opt/app")
    write(versions.repository / "zone/fpm.json", "the other package has this file")
    done = host.try_install(versions.build(a="1"))

    assert done.returncode == 1
    assert "trying to overwrite" in done.stderr
    assert host.tree("/opt/app") == before


def test_a_link_that_an_operator_made_of_the_applications_folder_stays(versions, host):
    first, second = versions.build(a="1"), versions.build(a="2")
    host.install(first)
    host.run("sh", "-c", "mkdir /data; mv /opt/app /data/app; ln -s /data/app /opt/app")
    host.install(second)

    assert host.run("readlink", "/opt/app") == "/data/app\n"
    assert host.run("cat", "/data/app/public/a") == "2"
