"""A fleet of eight simulated hosts, two of them canaries."""

from collections.abc import Iterator

import pytest

from tests.fleet.loopback import Loopback
from tests.fleet.stackstorm import StackStorm
from tests.fleet.world import World


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory, consul: str) -> Iterator[Loopback]:
    with Loopback(tmp_path_factory.mktemp("fleet"), 8, consul=consul) as fleet:
        yield fleet


@pytest.fixture
def world(consul: str, loopback: Loopback) -> Iterator[World]:
    fleet = World(consul, loopback, canaries=2)
    fleet.reset()
    yield fleet
    loopback.restore_keys()
    fleet.forget()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, consul: str, loopback: Loopback) -> Iterator[StackStorm]:
    world = World(consul, loopback, canaries=2)
    with StackStorm(tmp_path_factory.mktemp("st2"), world) as stackstorm:
        yield stackstorm
    world.forget()


@pytest.fixture
def stackstorm(table: StackStorm, world: World) -> StackStorm:
    return table
