"""A booted host for the tests that need one."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.places import Places
from tests.host.machine import Machine, package
from tests.host.repository import Repository

VERSION = "1.0.0-1.abcdef0"
# Both rings are the whole table; one of them shows that it works.
RINGS = (os.environ.get("FAULT_RINGS") or "production").split()


@pytest.fixture(scope="session")
def network() -> str:
    """A loopback network that no other run of these tests uses."""
    return f"127.{100 + os.getpid() % 100}.7"


@pytest.fixture
def distribution(network: str) -> Iterator[Repository]:
    """A second repository, for what is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        found = Repository(Path(folder), f"{network}.1")
        yield found
        found.close()


@pytest.fixture(scope="session")
def repository(network: str) -> Iterator[Repository]:
    with tempfile.TemporaryDirectory() as folder:  # gpg's socket has a short limit
        found = Repository(Path(folder), f"{network}.1")
        yield found
        found.close()


@pytest.fixture(scope="session")
def booted(
    network: str, repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """One host for all tests: each must leave it able to converge."""
    folder = tmp_path_factory.mktemp("machine")
    places = Places(folder / "lab", Places.from_environment().cache)
    places.claim()
    machine = Machine(places, network, repository)
    machine.prepare()
    try:
        machine.boot()
        machine.install_agent(package(folder))
        yield machine
    finally:
        machine.end()


@pytest.fixture(params=RINGS)
def machine(booted: Machine, repository: Repository, request: pytest.FixtureRequest) -> Machine:
    """The host in one of the rings, running version 1, in traffic."""
    booted.ring = request.param
    booted.settings()
    booted.register()
    repository.spoil.clear()
    repository.slow.clear()
    repository.publish(VERSION)
    repository.sign()
    booted.run("rm", "-f", "/run/wait")
    booted.want(VERSION)
    report = booted.converge()
    assert report["state"] in ("converged", "unchanged"), report
    assert booted.serves() == VERSION
    assert booted.in_traffic()
    return booted
