"""The examples go the whole way on real hosts: pushed, promoted, changed, taken back, removed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.stackstorm import StackStorm
from demo.world import ROOT, World, wait_for
from lab.hosts.container import Container
from lab.places import Places
from lab.world import World as Lab
from tests.acceptance.building import builders, built_on

HOMES = {"python-web": (), "node-web": (), "c-daemon": (), "monorepo": ("api", "web")}
NAMES = [name for home, inside in HOMES.items() for name in inside or (home,)]
CONFFILE = "/etc/c-daemon/c-daemon.conf"
SECONDS = 400
pytestmark = pytest.mark.long


@dataclass
class Examples:
    """The examples in the running lab, by name."""

    world: World
    stackstorm: StackStorm

    def push(self, home: str, version: str, names: Sequence[str] = ()) -> None:
        """Let the projects *names* of the repository *home*, or its only one, have *version*; push that."""
        clone = Path(self.world.description["root"]) / "clones" / home
        for folder in [clone / name for name in names] or [clone]:
            described = json.loads((folder / "fpm.json").read_text())
            (folder / "fpm.json").write_text(json.dumps({**described, "version": version}, indent=2) + "\n")
        for words in (["commit", "-qam", f"Version {version}"], ["push", "-q", "origin", "HEAD:main"]):
            subprocess.run(["git", *words], cwd=clone, check=True)

    def wait_for_canaries(self, names: Sequence[str], version: str) -> None:
        """Return once the canaries of *names* serve *version*; what stopped before that is an error."""
        for name in names:
            wait_for(f"{name} {version} on its canary", lambda one=name: self._serves(one, version), SECONDS)

    def _serves(self, name: str, version: str) -> bool:
        runs = (json.loads(self.world.key(key) or "{}") for key in self.runs(name))
        stopped = [run for run in runs if run.get("stop") or run["stage"] == "failed"]
        assert not stopped, f"{name} stopped: {stopped}"
        return self.wanted(name, "canary_") == version == self.answer(name, canary=True)

    def runs(self, name: str) -> list[str]:
        folder = f"cicd/{name}/runs/"
        return [f"{folder}{commit}" for commit in self.world.names(folder)]

    def wanted(self, name: str, ring: str = "") -> str:
        """Return the upstream version that *ring*, or production, wants of the project *name*."""
        return str(self.world.key(f"{name}::{ring}version") or "").partition("-")[0]

    def answer(self, name: str, path: str = "/version", canary: bool = False) -> str:
        """Return the upstream version that *name* serves, or what it says at another *path*."""
        proxy = self.world.description["haproxy"]
        headers = {"Host": name, **({proxy["canary_header"]: "1"} if canary else {})}
        said = requests.get(f"{proxy['url']}{path}", headers=headers, timeout=10)
        if path != "/version":
            return said.text
        return str(said.json()["version"]).partition("-")[0] if said.ok else ""

    def run_all(self, action: str, names: Sequence[str], **parameters: str) -> None:
        """Run *action* for each of *names* in turn, as dpkg does one thing at a time; all must succeed."""
        ended = {name: self.stackstorm.run(action, project=name, **parameters) for name in names}
        failed = {name: one["result"] for name, one in ended.items() if one["status"] != "succeeded"}
        assert not failed, failed

    def promote(self, names: Sequence[str]) -> None:
        """Deploy the canaries of *names* to production, once they may be."""
        for name in names:
            wait_for(f"the bake of {name}", lambda one=name: self._is_baked(one), 120)
        self.run_all("cicd.deploy_production", names)

    def _is_baked(self, name: str) -> bool:
        return bool(self.stackstorm.run("cicd.check_canary", project=name)["status"] == "succeeded")

    def record(self, name: str) -> dict[str, Any]:
        """Return what is recorded of the package that production wants."""
        version = self.world.key(f"{name}::version")
        return dict(json.loads(self.world.key(f"cicd/{name}/packages/{version}") or "{}"))

    def as_root(self, *command: str) -> str:
        """Return what *command* prints on one host of production, as an operator runs it."""
        root = Path(self.world.description["root"])
        host = Lab(self.world.description["network"]).host(self.world.hosts("production")[0]["name"])
        return Container(Places(root, root), host, root).run(*command)


@pytest.fixture(scope="module")
def examples(world, stackstorm, lab):
    """The examples, each at version 1 in production."""
    made = Examples(world, stackstorm)
    for home, inside in HOMES.items():
        assert lab("project", "add", str(ROOT / "examples" / home), *inside).returncode == 0
    # Debian's Node.js takes dpkg's lock for longer than other projects of the host wait.
    made.push("node-web", "1.1.0")
    made.wait_for_canaries(["node-web"], "1.1.0")
    for home, inside in HOMES.items():
        if home != "node-web":
            made.push(home, "1.1.0", inside)
    made.wait_for_canaries(NAMES, "1.1.0")
    made.promote(NAMES)
    return made


def test_each_example_serves_from_production(examples):
    answers = {name: examples.answer(name) for name in NAMES}

    assert answers == dict.fromkeys(NAMES, "1.1.0")
    assert examples.answer("python-web", "/hello/ann") == "Hello, ann!\n"
    assert "Hello, ann!" in examples.answer("node-web", "/hello/ann")
    assert "cup" in examples.answer("api", "/products")


def test_the_daemons_command_data_and_timer_are_on_the_host(examples):
    timer = examples.as_root("systemctl", "is-active", "c-daemon-report.timer").strip()
    examples.as_root("systemctl", "start", "c-daemon-report.service")

    assert timer == "active"
    assert "requests so far" in examples.as_root("cat", "/var/lib/c-daemon/report")
    assert examples.as_root("/usr/bin/c-daemon", "help") == "usage: c-daemon [report]\n"
    assert "requests so far" in examples.as_root("/usr/bin/c-daemon-report")


def test_the_daemons_packages_are_of_one_version_and_recorded_together(examples):
    names = ("c-daemon", "c-daemon-tools")
    versions = [examples.as_root("dpkg-query", "-W", "-f", "${Version}", name) for name in names]
    known = examples.record("c-daemon")

    assert versions == [known["version"]] * 2
    assert sorted(file.partition("_")[0] for file in known["files"]) == list(names)


@pytest.mark.parametrize("name", ["c-daemon", "python-web"])
def test_the_same_commit_on_two_build_hosts_gives_the_bytes_that_are_published(examples, name):
    known = examples.record(name)
    digests = {
        built_on(examples.stackstorm, host, name, known["commit"])["sha256"]
        for host in builders(examples.world)
    }

    assert digests == {known["sha256"]}


@pytest.mark.faults  # it takes as long as the rest together
def test_an_upgrade_keeps_an_operators_settings_and_a_rollback_too(examples):
    examples.as_root("sed", "-i", "s/^greeting=.*/greeting=Good day./", CONFFILE)
    examples.push("python-web", "1.2.0")
    examples.push("node-web", "1.2.0")
    examples.push("c-daemon", "1.2.0")
    examples.push("monorepo", "1.2.0", ["web"])
    changed = [name for name in NAMES if name != "api"]
    examples.wait_for_canaries(changed, "1.2.0")
    examples.promote(changed)
    upgraded = {name: examples.answer(name) for name in NAMES}
    settings = [examples.as_root("cat", CONFFILE)]
    examples.run_all("cicd.rollback", changed, ring="production")
    settings.append(examples.as_root("cat", CONFFILE))

    assert upgraded == {**dict.fromkeys(changed, "1.2.0"), "api": "1.1.0"}
    assert {name: examples.wanted(name) for name in NAMES} == dict.fromkeys(NAMES, "1.1.0")
    assert all("greeting=Good day." in text for text in settings)


def test_a_push_that_changes_one_folder_builds_the_project_of_that_folder(examples):
    before = {name: len(examples.runs(name)) for name in ("api", "web")}
    examples.push("monorepo", "1.3.0", ["web"])
    examples.wait_for_canaries(["web"], "1.3.0")

    after = {name: len(examples.runs(name)) for name in ("api", "web")}
    assert after == {"api": before["api"], "web": before["web"] + 1}


STILL = """systemctl stop cicd-converge.timer
while [ "$(systemctl is-active cicd-converge.service)" = activating ]; do sleep 0.2; done"""


def test_a_removal_leaves_nothing_but_data(examples):
    examples.as_root("sh", "-c", STILL)  # by itself the host installs again what is removed
    for name in NAMES:
        paths = examples.as_root("dpkg-query", "-L", name).split()
        own = [path for path in paths if f"/{name}" in path]
        examples.as_root("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", name)
        left = examples.as_root(
            "sh", "-c", 'for path; do [ ! -e "$path" ] || echo "$path"; done', "left", *own
        )

        assert own
        assert left.split() == []
    examples.as_root("systemctl", "start", "cicd-converge.timer")
    assert examples.as_root("cat", "/var/lib/c-daemon/requests").strip().isdigit()
