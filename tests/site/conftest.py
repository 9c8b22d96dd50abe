"""A site from bare machines, made once for each tool."""

import os
from collections.abc import Iterator

import pytest

from lab.places import Places
from tests.site.ansible import Ansible
from tests.site.machines import Machines
from tests.site.made import Site
from tests.site.puppet import Puppet
from tests.site.world import IS_WHOLE, SiteWorld

TOOLS = {"ansible": Ansible, "puppet": Puppet}
CHOSEN = os.environ.get("SITE_TOOLS", "ansible").split()
collect_ignore = [] if IS_WHOLE else ["test_whole_site.py"]


@pytest.fixture(scope="session")
def written() -> dict[str, dict[str, str]]:
    """The settings that each tool has written, by machine."""
    return {}


@pytest.fixture(scope="session", params=CHOSEN)
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The machines before the first run of a tool."""
    places = Places(tmp_path_factory.mktemp("site") / "lab", Places.from_environment().cache)
    places.claim()
    tool = TOOLS[request.param]
    machines = Machines(places, SiteWorld(f"127.{100 + os.getpid() % 100}.9"), tool.packages)
    try:
        machines.start()
        yield Site(machines, tool(places, machines.site))
    finally:
        machines.end()


@pytest.fixture(scope="session")
def made(bare: Site) -> Site:
    """The site after that run."""
    bare.first = bare.tool.apply()
    bare.grant()
    return bare
