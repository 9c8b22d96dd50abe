"""What DigitalOcean lets people do to droplets, and the pack has to see through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import ProviderError
from tests.lib.machines.between import Answer, Trouble
from tests.lib.machines.clouds import DigitalOceanCloud


@pytest.fixture
def ocean(tmp_path: Path) -> Iterator[DigitalOceanCloud]:
    made = DigitalOceanCloud(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    "said",
    [
        "{}",
        '{"droplets": null, "droplet": 7}',
        '{"droplets": [{"tags": ["cicd-site:acme"]}], "droplet": {"id": 1}}',
    ],
)
def test_an_answer_without_what_was_asked_for_is_an_error_and_no_crash(ocean, said):
    for question in (
        lambda driver: driver.list(),
        lambda driver: driver.find("greeter-canary-1"),
        lambda driver: driver.make(ocean.order()),
        lambda driver: driver.destroy("greeter-canary-1"),
    ):
        ocean.between.trouble.append(Trouble(lambda *_: True, Answer(200, said)))
        with pytest.raises(ProviderError, match=r"DigitalOcean \(cloud\) answered with"):
            question(ocean.ask())


def test_a_droplet_that_someone_renamed_is_found_by_its_tag_and_destroyed(ocean):
    made = ocean.ask().create(ocean.order())
    (number,) = ocean.droplets._known
    ocean.droplets._known[number] = replace(ocean.droplets._known[number], name="my-favourite")

    assert ocean.ask().find(made.name).identifier == made.identifier
    assert [machine.name for machine in ocean.ask().list()] == [made.name]
    ocean.ask().destroy(made.name)
    assert ocean.ask().list() == []
