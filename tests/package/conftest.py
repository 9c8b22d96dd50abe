"""Build hosts and a repository host that StackStorm reaches, for the tests that need them."""

from collections.abc import Iterator

import pytest

from tests.package.publishing import RepositoryHost
from tests.package.site import Site


@pytest.fixture(scope="module")
def repository() -> Iterator[RepositoryHost]:
    host = RepositoryHost("aptly")
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
