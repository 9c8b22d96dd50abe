"""Git's history was squashed: what is deployed afterwards, through StackStorm's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.release.record import HEALTHY
from tests.fleet.stackstorm import StackStorm
from tests.fleet.world import PROJECT, World, build
from tests.lib import apt_index

BEFORE, SQUASHED, NEXT = build(12), build(3), build(4)


@pytest.fixture
def squashed(world: World, tmp_path: Path) -> Iterator[StackStorm]:
    """A project whose rings run the twelfth commit, and whose history then has three."""
    published = [BEFORE, SQUASHED, NEXT]
    entries = [apt_index.entry(PROJECT, b.version, f"acme/greeter@{b.commit}", b.sha256) for b in published]
    for each in published:
        record = {"package": PROJECT, "sha256": each.sha256, "commit": each.commit, "ci": {"build": 1}}
        world.store.put(f"cicd/{PROJECT}/packages/{each.version}", record)
    with apt_index.served(tmp_path, entries) as url:
        world.configuration["repository"] = apt_index.section(url)
        with StackStorm(tmp_path, world) as stackstorm:
            deployed(stackstorm, BEFORE.version)
            promoted(stackstorm)
            yield stackstorm


def deploy(stackstorm: StackStorm, version: str, **more: object) -> dict:
    return stackstorm.rest.run("cicd.deploy", {"project": PROJECT, "version": version, **more})


def deployed(stackstorm: StackStorm, version: str, **more: object) -> None:
    ended = deploy(stackstorm, version, **more)
    assert ended["status"] == "succeeded", ended["result"]


def promoted(stackstorm: StackStorm) -> None:
    ended = stackstorm.rest.run("cicd.deploy_production", {"project": PROJECT})
    assert ended["status"] == "succeeded", ended["result"]


@pytest.mark.long
def test_a_squashed_history_reaches_both_rings_once_somebody_accepts_it(squashed, world):
    refused = deploy(squashed, SQUASHED.version)

    assert refused["status"] == "failed"
    error = refused["result"]["output"]["error"]
    assert f"{SQUASHED.version} is older than {BEFORE.version}" in error["error"]
    assert f"version={SQUASHED.version} new_history=true" in error["hint"]
    assert world.recorded("canary").wanted.version == BEFORE.version

    deployed(squashed, SQUASHED.version, new_history=True)
    deployed(squashed, NEXT.version)
    promoted(squashed)

    assert world.recorded("production").wanted.version == NEXT.version
    assert world.recorded("production").state == HEALTHY
    assert world.installed("production") == {NEXT.version}
    (accepted,) = [e for e in world.store.history(PROJECT, 20) if "new history" in e["why"]]
    assert accepted["to"] == SQUASHED.version
