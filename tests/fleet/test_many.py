"""Two hundred hosts in one deploy: what it costs, and what is left to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fleet.loopback import Loopback
from tests.fleet.world import NEW, PROJECT, World

pytestmark = pytest.mark.faults

HOSTS, CANARIES = 220, 20
MEGABYTES = 150
RUN = """
import json, resource, sys
import yaml
from cicd import config
from cicd.deploy.deploy import Deploy
from cicd.errors import CicdError
from cicd.fleet import rollout_summary
from cicd.fleet.rollout import Order, Rollout

settings = config.parse(yaml.safe_load(open(sys.argv[1])))
deploy = Deploy(settings, "greeter")
hosts = deploy.look().hosts("production")
order = Order(deploy.project, "production", int(sys.argv[2]), hosts)
try:
    with deploy.holding_lock("production", order.generation) as still_ours:
        result = rollout_summary.summary(Rollout(settings, order, still_ours=still_ours).run(), 0)
except CicdError as error:
    result = error.as_result()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"megabytes": peak, "names": [host.name for host in hosts], "result": result}))
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, consul: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("many")
    with Loopback(folder, HOSTS, net=78, consul=consul, names="app{:03}") as loopback:
        world = World(consul, loopback, CANARIES, batches=["1", "25%", "100%"], host_timeout=60)
        world.configuration["ssh"]["connect_timeout"] = 30
        world.reset()
        yield world
        world.forget()


def deploy(world: World, folder: Path) -> Any:
    """Deploy in a process of its own, as StackStorm does; returns what it says and its peak memory."""
    file = folder / "cicd.yaml"
    file.write_text(yaml.safe_dump(world.configuration))
    generation = world.want("production")
    done = subprocess.run(
        [sys.executable, "-c", RUN, file, str(generation)],
        env={**os.environ, "PYTHONPATH": "actions/lib"},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


def size(data: Any) -> int:
    return len(json.dumps(data))


def test_200_hosts_take_little_memory_and_leave_a_short_result(fleet, tmp_path):
    said, output = deploy(fleet, tmp_path)

    assert said["megabytes"] < MEGABYTES
    assert said["result"]["counts"] == {"converged": 200}
    assert size(said["result"]) < 10_000
    assert size(said["names"]) < 10_000
    assert fleet.installed("production") == {NEW.version}
    assert all(f"{name}: converged" in output for name in said["names"])
    rollouts = fleet.store.below(f"cicd/{PROJECT}/rollouts/", dict)
    assert len(rollouts.popitem()[1]["hosts"]) == 200


def test_when_all_of_200_fail_the_result_is_short_still(fleet, tmp_path):
    fleet.reset()
    fleet.configuration["deploy"]["failure_budget"] = "100%"
    for machine in fleet.ring("production"):
        machine.break_with("install")

    said, _ = deploy(fleet, tmp_path)

    assert said["megabytes"] < MEGABYTES
    assert said["result"]["counts"] == {"failed": 200}
    assert len(said["result"]["failed"]) == 8
    assert size(said["result"]) < 10_000
