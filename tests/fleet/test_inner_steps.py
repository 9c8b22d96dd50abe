"""What a step of a deploy does when somebody calls it by itself, through StackStorm's API."""

from __future__ import annotations

import pytest
import requests

from cicd.deploy.controls import Controls
from cicd.deploy.deploy import Deploy
from cicd.release.record import DEGRADED, DEPLOYING, HEALTHY
from cicd.setup import sensor_life
from cicd.store.deploy_lock import Lock
from demo.world import wait_for
from tests.fleet.stackstorm import StackStorm
from tests.fleet.world import NEW, OLD, PROJECT, Watch, World

WIDER = {
    "confirm_ring": {"excused": ["web3"], "reachable_only": True},
    "find_hosts": {"reachable_only": True},
    "update_hosts": {"all_at_once": True},
    "update_ring": {"rollback": True},
}


def document(world: World, ring: str) -> str:
    return requests.get(f"{world.consul}/v1/kv/cicd/{PROJECT}/wanted/{ring}?raw", timeout=10).text


def wait_for_batch(world: World, generation: int) -> None:
    key = f"cicd/{PROJECT}/rollouts/{generation:08d}"
    wait_for("the first batch", lambda: (world.store.json(key, dict) or {}).get("batch"), 90)


def hosts(world: World) -> list[str]:
    return [machine.name for machine in world.ring("production")]


@pytest.mark.parametrize(("step", "name"), [(step, name) for step, given in WIDER.items() for name in given])
def test_no_caller_chooses_who_is_left_out_or_that_all_go_at_once(stackstorm, step, name):
    given = {"project": PROJECT, "ring": "production", "generation": 1, "hosts": ["web3"]}
    known = {key: value for key, value in given.items() if step != "find_hosts" or key in ("project", "ring")}
    asked = {"action": f"cicd.{step}", "parameters": {**known, name: WIDER[step][name]}}

    assert stackstorm.rest.ask("POST", "/executions", asked).status_code == 400


def test_in_the_middle_of_a_deploy_nobody_ends_it_and_a_second_update_waits(
    stackstorm: StackStorm, world: World
):
    generation = world.want("production")
    world.ring("production")[0].break_with("slow")
    asked = {"project": PROJECT, "ring": "production", "generation": generation}
    with Watch(world) as watch:
        first = stackstorm.begin("production", generation)
        wait_for_batch(world, generation)
        second = stackstorm.rest.start("cicd.update_hosts", {**asked, "hosts": hosts(world)})["id"]
        confirmed = stackstorm.rest.run("cicd.confirm_ring", asked)
        recorded, lock = world.recorded("production"), Lock(world.settings, PROJECT, "production").holder()
        ended = [stackstorm.rest.wait(one, seconds=180) for one in (first, second)]

    assert confirmed["status"] == "failed"
    assert "greeter 1.0-2.0000002 is verified on " in confirmed["result"]["result"]["error"]
    assert recorded.state == DEPLOYING
    assert lock
    assert lock.generation == generation
    assert [one["status"] for one in ended] == ["succeeded", "succeeded"], ended
    assert world.recorded("production").state == HEALTHY
    assert watch.fewest >= 4, "two updates took more hosts out of traffic than one may"


@pytest.mark.long
def test_only_hosts_that_the_deploy_recorded_as_failed_within_its_budget_are_excused(stackstorm, world):
    generation = world.want("production")
    first, second, *others = world.ring("production")
    asked = {"project": PROJECT, "ring": "production", "generation": generation}
    for machine in (first, second):
        machine.break_with("install")
    only_others = {**asked, "hosts": [machine.name for machine in others]}
    assert stackstorm.rest.run("cicd.update_hosts", only_others)["status"] == "succeeded"
    untouched = stackstorm.rest.run("cicd.confirm_ring", asked)
    stackstorm.restart(failure_budget="1")
    one, other = (
        stackstorm.rest.run("cicd.update_hosts", {**asked, "hosts": [machine.name]})
        for machine in (first, second)
    )
    too_many = stackstorm.rest.run("cicd.confirm_ring", asked)
    second.break_with("")
    stackstorm.rest.run("cicd.update_hosts", {**asked, "hosts": [second.name]})
    within = stackstorm.rest.run("cicd.confirm_ring", asked)
    degraded = world.recorded("production").state
    first.break_with("")
    retried = stackstorm.rest.run("cicd.retry_hosts", {"project": PROJECT})
    stackstorm.restart()

    assert one["status"] == "succeeded", one["result"]
    assert other["status"] == "failed", "host by host the budget is one for the whole deploy"
    for refused in (untouched, too_many):
        assert refused["status"] == "failed"
        assert "is verified on 4 of 6 production hosts" in refused["result"]["result"]["error"]
    assert within["status"] == "succeeded", within["result"]
    assert f"but not on {first.name}." in within["result"]["result"]["error"]
    assert degraded == DEGRADED
    assert retried["status"] == "succeeded", retried["result"]
    assert world.recorded("production").state == HEALTHY


@pytest.mark.long
def test_hosts_of_a_deploy_that_ended_are_not_retried_past_a_lock(stackstorm, world):
    generation = world.want("production")
    assert stackstorm.update("production", generation)["status"] == "succeeded"
    (world.ring("production")[0].folder / "installed").write_text(OLD.version)
    asked = {"project": PROJECT, "hosts": [hosts(world)[0]]}
    Controls(world.settings, PROJECT, "ann").hold("lock", "db migration")

    refused = stackstorm.rest.run("cicd.retry_hosts", asked)
    Controls(world.settings, PROJECT, "ann").end_hold("lock")

    assert "greeter is locked by ann: db migration." in refused["result"]["output"]["error"]["error"]
    retried = stackstorm.rest.run("cicd.retry_hosts", asked)
    assert retried["status"] == "succeeded", retried["result"]
    assert world.installed("production") == {NEW.version}


@pytest.mark.long
def test_a_rollback_goes_back_past_a_host_that_is_down_without_being_told(stackstorm, world):
    begun = stackstorm.update("production", world.want("production"))
    assert begun["status"] == "succeeded", begun["result"]
    late = world.ring("production")[-1]
    with world.unreachable(late):
        back = Deploy(world.settings, PROJECT, "ann").roll_back("production").ring("production").generation
        ended = stackstorm.update("production", back)

    assert ended["status"] == "succeeded", ended["result"]
    assert {m.installed for m in world.ring("production") if m != late} == {OLD.version}
    assert late.installed == NEW.version


def signs(world: World) -> list[str]:
    return [key.rpartition("/")[2] for key in world.store.keys("cicd/.sensors/")]


def test_a_checkup_knows_the_process_of_every_sensor_and_the_secret_that_it_cannot_read(
    stackstorm: StackStorm, world: World
):
    wait_for("every sensor's sign", lambda: set(sensor_life.SENSORS) <= set(signs(world)), 120)
    ended = stackstorm.rest.run("cicd.check_setup", {"project": PROJECT})
    said = {one["what"]: one["said"] for one in ended["result"]["result"]["findings"]}

    assert all("cannot read" in said[sensor] for sensor in sensor_life.SENSORS)
    assert all("/etc/cicd/jenkins.token" in said[sensor] for sensor in sensor_life.SENSORS)
    assert said["executions"] == "each that has not ended is run by someone"
