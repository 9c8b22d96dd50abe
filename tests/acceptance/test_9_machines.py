"""A machine of a cloud boots, joins, serves the version of its ring without a push, and leaves no trace."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.stories import PROJECT, add_greeter
from demo.world import wait_for
from lab.digitalocean.account import NAME as CLOUD
from lab.digitalocean.account import PORT, token_file
from lab.places import Places
from lab.world import World as Lab
from tests.acceptance.frozen import frozen

pytestmark = pytest.mark.long
BOOT_SECONDS = 300  # on a machine that has much else to do


class Cloud:
    """What there is of machines: at the cloud, in Consul, and as SSH knows them."""

    def __init__(self, world: Any, stackstorm: Any) -> None:
        self.world, self.stackstorm = world, stackstorm
        self.places = Places(*(Path(world.description["root"]),) * 2)
        self.lab = Lab(world.description["network"])

    def begin(self) -> str:
        asked = {"project": PROJECT, "ring": "production", "provider": CLOUD}
        return str(self.stackstorm.start("cicd.provision_host", **asked))

    def machines(self) -> list[str]:
        headers = {"Authorization": f"Bearer {token_file(self.places).read_text().strip()}"}
        url = f"http://{self.lab.control}:{PORT}/v2/droplets"
        return [one["name"] for one in requests.get(url, headers=headers, timeout=30).json()["droplets"]]

    def records(self) -> list[str]:
        return [*self.world.names("cicd/.machines/"), *self.world.names("cicd/.joins/")]

    def traces(self) -> list[str]:
        url = self.world.description["consul"]["url"]
        nodes = [one["Node"] for one in requests.get(f"{url}/v1/catalog/nodes", timeout=10).json()]
        reports = self.world.names(f"cicd/{PROJECT}/hosts/")
        known = [*nodes, *reports]
        return [*self.machines(), *self.records(), *(one for one in known if one.startswith(f"{PROJECT}-"))]

    def nobody_sees_to_them(self) -> None:
        """Let each record's last sign of life be long ago."""
        url = f"{self.world.description['consul']['url']}/v1/kv/cicd/.machines"
        for name in self.world.names("cicd/.machines/"):
            known = json.loads(self.world.key(f"cicd/.machines/{name}"))
            body = {**known, "alive": time.time() - 1000}
            requests.put(f"{url}/{name}", json=body, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def cloud(world, stackstorm, teller, lab) -> Iterator[Cloud]:
    """A cloud whose machines boot, and a version of greeter in production."""
    if not world.key(f"{PROJECT}::version"):
        trace = teller.push("Greet", add_greeter)
        assert teller.follow(trace, "cicd.ci_success")["status"] == "succeeded"
        assert teller.promote(trace)["status"] == "succeeded"
    assert lab("cloud").returncode == 0
    found = Cloud(world, stackstorm)
    yield found
    for name in found.machines():
        stackstorm.run("cicd.retire_host", host=name, force=True)


def test_a_new_host_serves_its_rings_version_while_stackstorm_is_away_and_leaves_nothing(cloud):
    """StackStorm stands still as soon as the machine is made, until it serves."""
    execution = cloud.begin()
    (name,) = wait_for("a machine", cloud.machines, 120)
    with contextlib.nullcontext() if "ST2_API_URL" in os.environ else frozen("st2local"):
        wait_for(f"{name} in traffic", lambda: cloud.world.healthy(PROJECT).get(name), BOOT_SECONDS)
    ended = cloud.stackstorm.wait(execution)
    version = cloud.world.key(f"{PROJECT}::version")

    assert ended["status"] == "succeeded", ended["result"]
    assert ended["result"]["output"]["version"] == version
    assert json.loads(cloud.world.key(f"cicd/{PROJECT}/hosts/{name}"))["installed"] == version
    retired = cloud.stackstorm.run("cicd.retire_host", host=name)
    assert retired["status"] == "succeeded", retired["result"]
    assert "is destroyed, and nothing is left" in retired["result"]["output"]["message"]
    assert cloud.traces() == []


def test_a_workflow_that_is_cancelled_while_its_machine_boots_leaves_nothing(cloud):
    execution = cloud.begin()
    wait_for("a machine", cloud.machines, 120)
    cloud.stackstorm.client.executions.delete_by_id(execution)
    cloud.stackstorm.wait(execution)
    cloud.nobody_sees_to_them()
    swept = cloud.stackstorm.run("cicd.sweep_machines")

    assert swept["status"] == "succeeded", swept["result"]
    assert cloud.traces() == []
