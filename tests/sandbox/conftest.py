"""A build host for the tests of what builds may do there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.places import Places
from lab.world import World
from tests.sandbox.builder import Builder


@pytest.fixture(scope="session")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    places = Places(tmp_path_factory.mktemp("builder") / "lab", Places.from_environment().cache)
    places.claim()
    found = Builder(places, World(f"127.{100 + os.getpid() % 100}.8"))
    try:
        found.start()
        yield found
    finally:
        found.end()


@pytest.fixture
def builder(booted: Builder) -> Iterator[Builder]:
    """The host, which every build must leave clean."""
    yield booted
    assert booted.left() == ""
