"""A package with the name and version of a published one, and other bytes, is refused by both tools."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infra import debs

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "infra" / "ansible"
ROLE = COLLECTION / "roles" / "repository_host"
HOME = ROOT / "build" / "venvs" / "ansible" / "bin"
MODULES = f"{ROOT / 'infra' / 'puppet'}:/usr/share/puppet/modules"
FILE = "tool_1.0.0_all.deb"
REFUSED = (
    f"packages/{FILE} is not the tool 1:1.0.0 that this repository publishes, but has its name and version. "
    "Hosts would keep what they have. Give it a higher version (build it from a release), "
    "or remove 1:1.0.0 from the repository first: docs/machines.md says how."
)
# On a host of the site, `aptly` finds the settings in /etc.
APTLY = """#!/bin/sh
shift
echo "$*" >>{called}
exec /usr/bin/aptly -config={settings} "$@"
"""


class Site:
    """A folder of packages, the repository that publishes one of them, and what the tools make of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "files" / "packages"
        self.packages.mkdir(parents=True)
        self.repository = debs.Repository(folder / "apt")
        self.changed = folder / "changed"

    def put(self, words: str, name: str = FILE, version: str = "1:1.0.0") -> Path:
        """Put a package into the folder; other *words* make other bytes."""
        return debs.build(self.folder, name, version, words).rename(self.packages / name)

    def ansible(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the first task of the role, then one that changes something."""
        first, *_ = yaml.safe_load((ROLE / "tasks/main.yml").read_text())
        task = {"ansible.builtin.file": {"path": str(self.changed), "state": "directory"}}
        play = {"hosts": "localhost", "gather_facts": False, "vars": {"cicd": self._data()}}
        (self.folder / "play.yml").write_text(yaml.safe_dump([{**play, "tasks": [first, task]}]))
        argv = [str(HOME / "ansible-playbook"), "-i", "localhost,", "-c", "local", *options]
        argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
        return said([*argv, str(self.folder / "play.yml")], self._ansible())

    def puppet(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Apply a file that changes something, then one whose source is what the module's is."""
        folder = f"Deferred('cicd::publishable', ['{self.packages}', '{self.repository.indexes}'])"
        manifest = f"file {{ '{self.changed}': ensure => directory }}\n"
        manifest += (
            f"-> file {{ '{self.folder}/sent': ensure => directory, recurse => remote, source => {folder} }}"
        )
        own = [f"--{name}dir={self.folder}/puppet/{name}" for name in ("conf", "var")]
        argv = ["puppet", "apply", "--color=false", *own, f"--modulepath={MODULES}", *options, "-e", manifest]
        return said(argv, {})

    def publish(self) -> subprocess.CompletedProcess[str]:
        """Run what puts the packages into the repository, as on its host."""
        home = self.folder / "home"
        home.mkdir()
        program = APTLY.format(
            called=home / "called", aptly="/usr/bin/aptly", settings=self.repository.settings
        )
        (home / "aptly").write_text(program)
        (home / "aptly").chmod(0o755)
        argv = ["sh", str(ROLE / "files/publish.sh"), "cicd", str(self.packages), "key"]
        path = f"{home}:{os.environ['PATH']}"
        return said([*argv, "bookworm", "main", "amd64"], {"HOME": str(home), "PATH": path})

    def _data(self) -> dict[str, object]:
        return {
            "files": str(self.folder / "files"),
            "packages": "packages",
            "repository": {"distribution": "bookworm", "component": "main"},
            "repository_host": {"folder": str(self.repository.folder)},
        }

    def _ansible(self) -> dict[str, str]:
        namespace = self.folder / "collections" / "ansible_collections" / "cicd"
        namespace.mkdir(parents=True)
        (namespace / "hosts").symlink_to(COLLECTION)
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
        }


def said(argv: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", **more}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose repository publishes `tool` 1:1.0.0."""
    made = Site(tmp_path)
    made.repository.publish(made.put("one"))
    return made


@pytest.mark.parametrize(
    ("tool", "code", "options"),
    [
        ("ansible", 2, ()),
        pytest.param("ansible", 2, ("--check",), marks=pytest.mark.long),
        ("puppet", 1, ()),
        pytest.param("puppet", 1, ("--noop",), marks=pytest.mark.long),
    ],
)
def test_other_bytes_of_a_published_version_are_refused_before_anything_changes(site, tool, code, options):
    site.put("another")

    done = getattr(site, tool)(*options)

    assert done.returncode == code
    assert REFUSED in done.stdout + done.stderr
    assert not site.changed.exists()


@pytest.mark.parametrize("tool", ["ansible", "puppet"])
def test_the_same_bytes_and_another_version_are_taken(site, tool):
    site.put("two", "tool_1.0.1_all.deb", "1:1.0.1")

    done = getattr(site, tool)()

    assert done.returncode == 0, done.stdout + done.stderr
    assert site.changed.exists()


def test_a_file_with_another_name_is_refused_where_it_is_published(site):
    site.put("another", "new.deb")
    before = site.repository.packages()

    done = site.publish()

    assert done.returncode == 1
    assert f"{site.packages}/new.deb is not the tool_1:1.0.0_all of this repository" in done.stderr
    assert site.repository.packages() == before
    assert "repo add" not in (site.folder / "home/called").read_text()


def test_nothing_is_published_where_all_packages_are_there(site):
    done = site.publish()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
