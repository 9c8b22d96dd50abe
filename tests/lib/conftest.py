"""The project of several people who act at once, for tests of what they do."""

from collections.abc import Iterator

import pytest

from tests.lib import apt_index
from tests.lib.stage import World, published


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with apt_index.served(tmp_path_factory.mktemp("apt"), published()) as url:
        yield url


@pytest.fixture
def world(consul: str, repository: str) -> Iterator[World]:
    found = World(consul, repository)
    found.reset()
    yield found
    found.forget()
