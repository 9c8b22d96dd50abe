"""One StackStorm with a few projects, each on hosts of its own."""

from collections.abc import Iterator

import pytest

from tests.fleet.loopback import Loopback
from tests.histories.lane import HOSTS, LANES, StackStorm, published
from tests.lib import apt_index


@pytest.fixture(scope="module")
def stackstorm(tmp_path_factory: pytest.TempPathFactory, consul: str) -> Iterator[StackStorm]:
    projects = [f"p{number}" for number in range(LANES)]
    with (
        Loopback(tmp_path_factory.mktemp("hosts"), LANES * HOSTS, net=76, consul=consul) as fleet,
        apt_index.served(tmp_path_factory.mktemp("apt"), published(projects)) as url,
        StackStorm(tmp_path_factory.mktemp("st2"), consul, url, fleet, LANES) as running,
    ):
        yield running
