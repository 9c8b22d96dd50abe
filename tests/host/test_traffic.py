"""
A host leaves traffic only when everything that can fail without touching it has passed.

Real apt, dpkg and Consul on a booted host; traffic is sampled all the time.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import requests

from cicd.release.transitions import DEPLOYING
from tests.host.conftest import VERSION
from tests.host.machine import Machine
from tests.host.repository import Repository
from tests.host.test_faults import another_holds, assert_repaired, assert_stayed

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
GARBAGE = b"<html>Please log in to the network</html>\n"
SOURCE = "/etc/apt/sources.list.d/cicd.list"

Trouble = Callable[[Machine, Repository, str], AbstractContextManager[None]]


@contextlib.contextmanager
def a_repository_that_hangs(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    repository.slow.add("InRelease")
    yield
    repository.slow.clear()


@contextlib.contextmanager
def a_package_that_hangs(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    repository.slow.add(f"greeter_{version}_all.deb")
    yield
    repository.slow.clear()


@contextlib.contextmanager
def a_repository_that_refuses(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    port = repository.source.rpartition(":")[2].split("/")[0]
    machine.run("sed", "-i", f"s/:{port}/:9/", SOURCE)
    yield
    machine.run("tee", SOURCE, stdin=repository.source)


@contextlib.contextmanager
def garbage_in_place_of_the_index(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    repository.spoil.update({"InRelease": [GARBAGE] * 99, "Packages": [GARBAGE] * 99})
    yield
    repository.spoil.clear()


@contextlib.contextmanager
def garbage_in_place_of_the_package(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    repository.spoil[f"greeter_{version}_all.deb"] = [GARBAGE] * 99
    yield
    repository.spoil.clear()


@contextlib.contextmanager
def a_locked_dpkg(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    with another_holds(machine, "/var/lib/dpkg/lock-frontend"):
        yield


@contextlib.contextmanager
def a_held_package(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    machine.run("apt-mark", "hold", "greeter")
    yield
    machine.run("apt-mark", "unhold", "greeter")


@contextlib.contextmanager
def a_full_disk(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    with machine.full_disk("/opt"):
        yield


@contextlib.contextmanager
def a_masked_unit(machine: Machine, repository: Repository, version: str) -> Iterator[None]:
    """What an operator masks goes on running, and could not be started again."""
    machine.run("systemctl", "mask", "--runtime", "greeter")
    yield
    machine.run("systemctl", "unmask", "--runtime", "greeter")


TROUBLES: dict[Trouble, tuple[str, str]] = {
    a_repository_that_hangs: ("update", "apt cannot read the repository"),
    a_package_that_hangs: ("fetch", "apt cannot fetch"),
    a_repository_that_refuses: ("update", "apt cannot read the repository"),
    garbage_in_place_of_the_index: ("update", "apt cannot read the repository"),
    garbage_in_place_of_the_package: ("fetch", "apt cannot fetch"),
    a_locked_dpkg: ("locked", "another package manager is at work"),
    a_held_package: ("apt_hold", "apt-mark unhold greeter"),
    a_full_disk: ("disk", "KiB on /opt"),
    a_masked_unit: ("masked", "nothing was changed: systemctl unmask greeter.service"),
}
QUICK = (a_repository_that_refuses, a_locked_dpkg, a_held_package, a_masked_unit)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(trouble, id=trouble.__name__, marks=() if trouble in QUICK else pytest.mark.faults)
        for trouble in TROUBLES
    ],
)
def test_a_host_in_trouble_stays_in_traffic_by_itself_in_a_deploy_and_in_a_rollback(
    machine, repository, trouble
):
    """Up and down, pushed and by its timer; afterwards it goes on by itself."""
    code, sentence = TROUBLES[trouble]
    number = list(TROUBLES).index(trouble)
    newer, older = f"6.{number}.0+{machine.ring}-6.abcdef0", f"0.{number}.0+{machine.ring}-1.abcdef0"
    padding = {"opt/greeter/padding": os.urandom(30000).hex()}
    for version in (newer, older):
        repository.publish(version, padding)
        machine.want(version)
        with trouble(machine, repository, version), machine.watched() as samples:
            assert_stayed(machine, machine.converge(), code, sentence)
            generation = machine.want(version, DEPLOYING)
            pushed = machine.converge("--generation", str(generation), "greeter")
            assert_stayed(machine, pushed, code, sentence)
        assert samples
        assert all(samples)

    machine.want(older)
    assert_repaired(machine, older)


@pytest.mark.long
def test_what_failed_in_vain_is_not_tried_every_minute(machine, repository):
    """A script that refuses before anything is unpacked: the host is whole, and leaves traffic only once."""
    version = f"6.20.0+{machine.ring}-6.abcdef0"
    repository.publish(version, {"DEBIAN/preinst": "#!/bin/sh\necho not today >&2\nexit 1\n"})
    machine.settings(RETRY_SECONDS="600")
    machine.want(version)
    first = machine.converge()
    with machine.watched() as samples:
        later = [machine.converge() for _ in range(3)]

    assert first["code"] == "install"
    assert {report["message"] for report in later} == {first["message"]}
    assert_stayed(machine, later[-1], "install", "not today")
    assert all(samples)
    pushed = machine.converge("--generation", str(machine.want(version, DEPLOYING)), "greeter")
    assert pushed["seconds"]["install"] > 0
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_host_that_a_killed_run_left_out_returns_though_the_repository_hangs(machine, repository):
    version = f"6.21.0+{machine.ring}-6.abcdef0"
    repository.publish(version)
    machine.want(version)
    machine.put(
        "/v1/agent/service/maintenance/greeter?enable=true&reason=cicd-converge%20is%20updating%20this%20host"
    )
    assert not machine.in_traffic()
    with a_repository_that_hangs(machine, repository, version):
        assert_stayed(machine, machine.converge(), "update", "apt cannot read the repository")
    assert_repaired(machine, version)


def other(machine, name: str, status: str, tag: str = "greeter::app") -> None:
    """Let the host *name* offer the service under *tag*, too, with one check of *status*."""
    check = {"CheckID": f"{name}:answers", "Name": "answers", "Status": status, "ServiceID": "greeter"}
    service = {"ID": "greeter", "Service": "greeter", "Port": 8080, "Tags": [tag]}
    body = {"Node": name, "Address": "127.0.0.9", "Service": service, "Checks": [check]}
    machine.put("/v1/catalog/register", body)


@pytest.fixture
def others(machine):
    """Three more hosts for the same users, of which one serves, and three for others, which all serve."""
    for name, status in (("web7", "passing"), ("web8", "critical"), ("web9", "critical")):
        other(machine, name, status)
    for name in ("stage1", "stage2", "stage3"):
        other(machine, name, "passing", "greeter::app_staging")
    yield machine
    for name in ("web7", "web8", "web9", "stage1", "stage2", "stage3"):
        machine.put("/v1/catalog/deregister", {"Node": name})


def assert_waits(others, version: str) -> None:
    """By itself the host does not go to *version*, and serves on, since it has no turn."""
    others.settings(TURN_SECONDS="2")
    others.want(version)
    with others.watched() as samples:
        report = others.converge()
    assert (report["state"], report["code"], report["installed"]) == ("held", "turn", VERSION), report
    assert all(samples)
    assert others.serves() == VERSION


@pytest.mark.long
def test_by_itself_a_host_leaves_traffic_only_while_half_of_the_hosts_of_its_users_serve(others, repository):
    version = f"6.30.0+{others.ring}-6.abcdef0"
    repository.publish(version)
    assert_waits(others, version)

    other(others, "web8", "passing")
    assert_repaired(others, version)
    others.want(VERSION)
    assert_repaired(others)


def test_a_deploy_and_who_does_not_serve_need_no_turn(others, repository):
    version = f"6.31.0+{others.ring}-6.abcdef0"
    repository.publish(version)
    others.settings(TURN_SECONDS="2")
    generation = others.want(version, DEPLOYING)
    pushed = others.converge("--generation", str(generation), "greeter")
    assert pushed["state"] == "converged", pushed
    others.want(VERSION)
    others.run("systemctl", "stop", "greeter")
    assert_repaired(others)


@pytest.mark.long
def test_while_another_holds_its_turn_a_host_goes_on_serving_and_then_it_goes_and_leaves_no_key(
    others, repository
):
    version = f"6.32.0+{others.ring}-6.abcdef0"
    repository.publish(version)
    other(others, "web8", "passing")
    kind = {"Behavior": "delete", "LockDelay": "0s"}
    session = requests.put(f"{others.consul}/v1/session/create", json=kind, timeout=10).json()["ID"]
    others.put(f"/v1/kv/cicd/greeter/turns/production/0?acquire={session}")
    assert_waits(others, version)

    others.put(f"/v1/session/destroy/{session}")
    assert_repaired(others, version)
    assert requests.get(f"{others.consul}/v1/session/list", timeout=10).json() == []
    others.want(VERSION)
    assert_repaired(others)


@pytest.mark.long
def test_while_another_project_of_the_host_installs_it_serves_on(machine, repository):
    version = f"6.33.0+{machine.ring}-6.abcdef0"
    repository.publish(version)
    machine.settings(LOCK_SECONDS="2")
    generation = machine.want(version, DEPLOYING)
    with another_holds(machine, "/run/cicd/install.lock", whole=True), machine.watched() as samples:
        report = machine.converge("--generation", str(generation), "greeter")
    assert (report["code"], all(samples)) == ("locked", True)
    assert machine.serves() == VERSION
    machine.want(version)
    assert_repaired(machine, version)
    machine.want(VERSION)
    assert_repaired(machine)
