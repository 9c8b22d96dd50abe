"""Build hosts and a repository host that StackStorm reaches, for the tests that need them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.publishing import KEY, PUBLISHERS, Client, RepositoryHost
from tests.package.site import Site


@pytest.fixture(params=PUBLISHERS)
def host(request: pytest.FixtureRequest) -> Iterator[RepositoryHost]:
    """A repository host with nothing published, with each publisher in turn."""
    host = RepositoryHost(request.param)
    host.create()
    yield host
    host.close()


@pytest.fixture
def client(host: RepositoryHost, tmp_path: Path) -> Client:
    """An apt that trusts the key of *host* and looks there."""
    return Client(tmp_path / "client", host, host.export(KEY, tmp_path / "key.asc"))


@pytest.fixture(scope="module")
def repository() -> Iterator[RepositoryHost]:
    host = RepositoryHost("aptly", also=["arm64"])
    host.create()
    yield host
    host.close()


@pytest.fixture(scope="module")
def running(
    consul: str, repository: RepositoryHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), consul, repository) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The site, with every host up and nothing that goes wrong."""
    yield running
    running.revive()
