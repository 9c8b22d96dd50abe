"""What DigitalOcean lets people do to droplets, and the pack has to see through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lib.machines.clouds import DigitalOceanCloud


@pytest.fixture
def ocean(tmp_path: Path) -> Iterator[DigitalOceanCloud]:
    made = DigitalOceanCloud(tmp_path)
    yield made
    made.close()


def test_a_droplet_that_someone_renamed_is_found_by_its_tag_and_destroyed(ocean):
    made = ocean.ask().create(ocean.order())
    (number,) = ocean.droplets._known
    ocean.droplets._known[number] = replace(ocean.droplets._known[number], name="my-favourite")

    assert ocean.ask().find(made.name).identifier == made.identifier
    assert [machine.name for machine in ocean.ask().list()] == [made.name]
    ocean.ask().destroy(made.name)
    assert ocean.ask().list() == []
