"""
The fault table of a build: hosts are killed at each of its steps, through StackStorm's API.

Real: sshd, Consul, git, nfpm, aptly, gpg, the pack's workflow and actions.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest

from cicd.config import Project, Settings
from cicd.package import build, project_build
from cicd.package.build import Described
from cicd.package.tree import Tree
from cicd.release.host import Host
from demo.world import wait_for
from tests.fleet.loopback import Machine
from tests.package.site import Site

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can end all that runs on a host at once"),
]
INDEXING = "publish_package aptly *publish*update*"


def stop_at(fault: str, machines: Sequence[Machine]) -> None:
    for machine in machines:
        (machine.folder / "fault").write_text(f"{fault}\n")


def kill_when_it_got_there(site: Site, machine: Machine) -> None:
    wait_for("the fault", (machine.folder / "reached").exists)
    site.kill(machine)


def go_on(machine: Machine) -> None:
    (machine.folder / "fault").unlink()
    (machine.folder / "reached").unlink()


def error_of(ended: Any) -> str:
    return str(ended["result"]["output"]["error"]["error"])


def runs_on(machine: Machine) -> set[str]:
    return {path.name for path in (machine.folder / "home/builds").glob("*")}


def hosts_of(site: Site, execution: str) -> list[str]:
    found = site.steps(execution, "find_build_host")
    return [one["result"]["result"]["host"]["name"] for one in found]


def tree_of(
    settings: Settings, host: Host, run: str, project: Project, tested: str, described: Described
) -> Tree:
    if described["tree"]["source"] != "build":
        return Tree()
    return project_build.build_tree(settings, host, run, project, tested, described)[0]


def builds_the_same_and_sweeps(site: Site, dead: Machine, tested: str, published: str) -> bool:
    """After its start the host *dead* builds *tested* by itself, and what it was killed at is gone."""
    site.revive()
    host, project = Host(dead.name, dead.address), site.settings.project("app")
    build.fetch_commit(site.settings, host, "again", project, tested)
    described = build.read_metadata(site.settings, host, "again", project, tested)
    where = (site.settings, host, "again", project, tested)
    tree = tree_of(*where, described)
    again = build.PackageBuild(*where, described).packages(tree)
    left = runs_on(dead)
    build.clean(site.settings, host, "again")
    return left == {"again"} and again["sha256"] == published


@pytest.mark.parametrize(
    "fault",
    [
        "fetch_commit git *init*",
        "fetch_commit git *fetch*",
        "fetch_commit tar *",
        "read_metadata base64 *",
        "build_tree tar -x",
        "build_tree tar -x -C made",
        "build_package nfpm package*",
        "sftp sftp-server *",
    ],
)
def test_a_build_host_that_is_killed_is_replaced_once_and_nothing_is_left(site, repository, fault):
    tested, before = site.change(builds="build_tree" in fault), repository.versions()
    dead = site.first_choice(tested)
    (other,) = [machine for machine in site.builders if machine != dead]
    if "init" in fault:
        site.forget_mirrors()
    stop_at(fault, [dead])
    execution = site.publish(tested)
    kill_when_it_got_there(site, dead)
    ended = site.rest.wait(execution, seconds=180)

    assert ended["status"] == "succeeded", ended["result"]
    assert hosts_of(site, execution) == [dead.name, other.name]
    output = ended["result"]["output"]
    assert repository.versions() == sorted([*before, output["version"]])
    assert runs_on(other) == set()
    assert builds_the_same_and_sweeps(site, dead, tested, output["sha256"])


def test_a_build_host_that_is_dead_before_it_is_reached_is_replaced(site, repository):
    tested, before = site.change(), repository.versions()
    dead = site.first_choice(tested)
    site.kill(dead)
    ended = site.rest.wait(execution := site.publish(tested), seconds=180)

    assert ended["status"] == "succeeded", ended["result"]
    assert len(hosts_of(site, execution)) == 2
    assert repository.versions() == sorted([*before, ended["result"]["output"]["version"]])


def test_a_build_host_that_is_killed_once_its_package_was_fetched_is_needed_no_more(site, repository):
    tested, before = site.change(), repository.versions()
    dead = site.first_choice(tested)
    stop_at(INDEXING, [site.publisher])
    execution = site.publish(tested)
    wait_for("the index", (site.publisher.folder / "reached").exists)
    site.kill(dead)
    go_on(site.publisher)
    ended = site.rest.wait(execution, seconds=180)

    assert ended["status"] == "succeeded", ended["result"]
    assert hosts_of(site, execution) == [dead.name]
    output = ended["result"]["output"]
    assert repository.versions() == sorted([*before, output["version"]])
    assert builds_the_same_and_sweeps(site, dead, tested, output["sha256"])


def test_a_build_host_that_is_killed_while_it_cleans_up_undoes_nothing(site, repository):
    tested, before = site.change(), repository.versions()
    dead = site.first_choice(tested)
    stop_at("clean_build rm *", [dead])
    execution = site.publish(tested)
    kill_when_it_got_there(site, dead)
    ended = site.rest.wait(execution, seconds=180)

    assert ended["status"] == "succeeded", ended["result"]
    output = ended["result"]["output"]
    assert repository.versions() == sorted([*before, output["version"]])
    assert builds_the_same_and_sweeps(site, dead, tested, output["sha256"])


def test_when_both_build_hosts_die_one_sentence_says_so_and_the_same_command_works_later(site, repository):
    tested, before = site.change(), repository.versions()
    first = site.first_choice(tested)
    (second,) = [machine for machine in site.builders if machine != first]
    stop_at("build_package nfpm package*", site.builders)
    execution = site.publish(tested)
    kill_when_it_got_there(site, first)
    kill_when_it_got_there(site, second)
    ended = site.rest.wait(execution, seconds=180)

    assert ended["status"] == "failed"
    assert f"{second.name} ({second.address}) was lost while it ran" in error_of(ended)
    assert repository.versions() == before

    site.revive()
    again = site.rest.wait(site.publish(tested), seconds=180)
    assert again["status"] == "succeeded", again["result"]
    assert [runs_on(machine) for machine in site.builders].count(set()) >= 1


def test_a_repository_host_that_is_killed_while_it_publishes_is_named_and_publishes_the_same_later(
    site, repository
):
    tested, before = site.change(), repository.versions()
    stop_at("publish_package aptly *repo*add*", [site.publisher])
    execution = site.publish(tested)
    kill_when_it_got_there(site, site.publisher)
    ended = site.rest.wait(execution, seconds=180)

    assert ended["status"] == "failed"
    assert f"{site.publisher.name} ({site.publisher.address}) was lost while it ran" in error_of(ended)
    assert len(hosts_of(site, execution)) == 1
    assert repository.versions() == before
    assert [runs_on(machine) for machine in site.builders] == [set(), set()]

    site.revive()
    again = site.rest.wait(site.publish(tested), seconds=180)
    assert again["status"] == "succeeded", again["result"]
    assert repository.versions() == sorted([*before, again["result"]["output"]["version"]])
