"""A site from bare machines, made once for each tool."""

import os
from collections.abc import Iterator

import pytest

from lab.places import Places
from tests.site.ansible import Ansible
from tests.site.machines import Machines
from tests.site.made import Site
from tests.site.world import IS_WHOLE, SiteWorld

TOOLS = {"ansible": Ansible}
collect_ignore = [] if IS_WHOLE else ["test_whole_site.py"]


@pytest.fixture(scope="session", params=TOOLS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site after the first run of a tool."""
    places = Places(tmp_path_factory.mktemp("site") / "lab", Places.from_environment().cache)
    places.claim()
    machines = Machines(places, SiteWorld(f"127.{100 + os.getpid() % 100}.9"))
    try:
        machines.start()
        yield Site(machines, TOOLS[request.param](places, machines.site))
    finally:
        machines.end()
