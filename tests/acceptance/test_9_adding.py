"""Projects are added to the running world by one command, and removed without a trace of theirs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import project
from lab.github.host import SETTINGS as GITHUB
from lab.hosts.container import Container
from lab.jenkins.host import FOLDER as JENKINS
from lab.places import Places
from lab.world import World as Lab
from tests.announcer import VERSION, announcer

SHOP, BLOG = NAMES = tuple(f"{name}{int(time.time()) % 100_000}" for name in ("shop", "blog"))
PLACES = ("Jenkins job", "webhook", "projects.d", "web1", "haproxy")


class Adding:
    """Adds projects that have a repository and hosts already, and nothing else."""

    def __init__(self, world: Any, stackstorm: Any, lab: Any, folder: Path) -> None:
        self.root, self.stackstorm = Path(world.description["root"]), stackstorm
        for name in NAMES:
            assert lab("project", "create", str(announcer(folder / name, name))).returncode == 0
        self.known = {one.name: one for one in project.known(Places(self.root, self.root))}
        for host in Lab(world.description["network"]).apps:
            Container(Places(self.root, self.root), host, self.root).run("rm", f"/etc/default/{SHOP}")

    def add(self, name: str, **others: object) -> dict[str, Any]:
        one = self.known[name]
        asked = {"repository": one.repository, "like": "greeter", "port": one.port, "unit": one.unit}
        if name == SHOP:  # the lab writes the other's
            asked["more"] = {"environment": {"HOST": "{address}", "PORT": str(one.port)}}
        return self.stackstorm.run("cicd.add_project", project=name, **{**asked, **others})

    def remove(self, name: str, **others: object) -> dict[str, Any]:
        return self.stackstorm.run("cicd.remove_project", project=name, **others)

    def push(self, name: str) -> str:
        clone = self.root / "clones" / name
        subprocess.run(["git", "push", "-q"], cwd=clone, check=True)
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
        )
        return f"acme/{name}@{head.stdout.strip()}"


def result(execution: dict[str, Any]) -> dict[str, Any]:
    return dict(execution["result"]["result"])


@pytest.fixture(scope="module")
def adding(world, stackstorm, lab, tmp_path_factory) -> Iterator[Adding]:
    made = Adding(world, stackstorm, lab, tmp_path_factory.mktemp("applications"))
    yield made
    for name in NAMES:
        made.remove(name, apply=True, serving=True)


def test_what_would_be_made_is_shown_and_nothing_is_touched(world, adding):
    shown = result(adding.add(SHOP))

    assert all(place in shown["message"] for place in PLACES), shown["message"]
    assert shown["changed"] == []
    assert traces(world, SHOP) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"port": 8080}, "8080 is where greeter listens on web1"),
        ({"port": 99999}, "99999 is not a valid port"),
        ({"lifecycle": "nosuch"}, f"`projects.{SHOP}.lifecycle` is nosuch"),
        ({"hosts": {"canary": ["web1"]}}, "No host is named for production"),
        ({"hosts": {"canary": ["web1"], "production": ["web1"]}}, "web1 is named twice"),
        ({"hosts": {"canary": ["web1; reboot"], "production": ["web3"]}}, "is not a valid host"),
        ({"hosts": {"canary": ["web1"], "production": ["web99"]}}, "web99 has no node in Consul"),
        ({"more": {"job": "a/../b"}}, "'a/../b' is not a valid job"),
        ({"more": {"brach": "main"}}, f"`projects.{SHOP}.brach` is not a key"),
        ({"repository": "acme/nosuch"}, "404 Not Found"),
    ],
)
def test_what_is_impossible_is_refused_before_anything_is_touched(world, adding, asked, said):
    ended = adding.add(SHOP, apply=True, **asked)

    assert ended["status"] == "failed"
    assert said in result(ended)["error"]
    assert traces(world, SHOP) == []


def test_when_a_part_does_not_work_all_that_was_made_is_undone_and_named(world, adding):
    ended = adding.add(SHOP, apply=True, job=f"{SHOP} 1")

    assert ended["status"] == "failed", "the stand-in of Jenkins takes no name with a space"
    assert f"{SHOP} was not added" in result(ended)["error"]
    assert f"{SHOP} on web1" in result(ended)["undone"]
    assert result(ended)["stuck"] == []
    assert traces(world, SHOP) == []


def test_two_projects_are_added_and_a_push_to_one_reaches_its_first_ring(world, teller, adding):
    added = [adding.add(name, apply=True) for name in NAMES]
    ended = teller.follow(adding.push(SHOP), "cicd.ci_success")
    proxy = world.description["haproxy"]
    headers = {"Host": SHOP, proxy["canary_header"]: "1"}

    assert [one["status"] for one in added] == ["succeeded", "succeeded"], added
    assert ended["status"] == "succeeded", ended
    assert world.key(f"{SHOP}::canary_version").startswith(f"{VERSION}-")
    assert requests.get(f"{proxy['url']}/version", headers=headers, timeout=10).ok


def test_adding_it_again_changes_nothing(adding):
    again = result(adding.add(SHOP, apply=True))

    assert again["changed"] == []
    assert "has all that it needs" in again["message"]


def test_something_else_of_its_name_is_named_and_left_alone(adding):
    ended = adding.add(SHOP, apply=True, port=9999)

    assert ended["status"] == "failed"
    assert f"{SHOP} on web1 is there with other settings" in result(ended)["error"]


def test_a_file_that_a_killed_run_left_out_is_made_by_the_next_one(adding):
    (adding.root / "projects.d" / f"{BLOG}.yaml").unlink()
    again = result(adding.add(BLOG, apply=True))

    assert [one.rpartition("/")[2] for one in again["changed"]] == [f"{BLOG}.yaml"]


def test_a_removed_project_leaves_nothing_and_the_other_goes_on(world, adding):
    before = [traces(world, name) for name in NAMES]
    shown = result(adding.remove(SHOP))
    ended = adding.remove(SHOP, apply=True, uninstall=True)
    installed = f"'dpkg -l {SHOP} 2>/dev/null | grep ^ii || true'"

    assert min(map(len, before)) >= 5
    assert "was not removed yet" in shown["message"]
    assert ended["status"] == "succeeded", ended["result"]
    assert traces(world, SHOP) == []
    assert not [host for host in world.hosts("canary") if world.on_host(host, "sh", "-c", installed).strip()]
    assert traces(world, BLOG) == before[1]
    assert adding.stackstorm.run("cicd.get_release", project=BLOG)["status"] == "succeeded"
    assert adding.stackstorm.run("cicd.get_release", project=SHOP)["status"] == "failed"


def traces(world: Any, name: str) -> list[str]:
    """Return where something of the project *name* is, as each place itself says."""
    root, lab = Path(world.description["root"]), Lab(world.description["network"])
    infra, host = (Container(Places(root, root), one, root) for one in (lab.infra, lab.apps[0]))
    repositories = json.loads(infra.run("cat", GITHUB))["repositories"]
    hooked = f"test ! -e {repositories}/acme/{name}.git/hook-secret || echo webhook"
    default = "/etc/default" if name == SHOP else ""
    folders = f"/etc/cicd/projects /etc/consul.d /var/lib/cicd-converge {default}"
    seen = host.run("sh", "-c", f"ls {folders} | grep {name} || true")
    asked = requests.get(f"{lab.plain_consul_url}/v1/kv/?keys", timeout=10).json()
    services = requests.get(f"{lab.plain_consul_url}/v1/catalog/services", timeout=10).json()
    checks = requests.get(f"{lab.plain_consul_url}/v1/health/checks/cicd-converge", timeout=10).json()
    files = [path for folder in ("projects.d", "changes") for path in (root / folder).rglob(f"*{name}*")]
    return [
        *(key for key in asked if name in key and not key.startswith(("cicd/.packages/", "cicd/events/"))),
        *(service for service in services if service == name),
        *(check["CheckID"] for check in checks if check["CheckID"].endswith(f":{name}")),
        *infra.run("sh", "-c", f"ls -d {JENKINS}/builds/{name} 2>/dev/null || true").split(),
        *infra.run("sh", "-c", hooked).split(),
        *seen.split(),
        *map(str, files),
    ]
