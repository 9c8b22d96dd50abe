"""
The fleet's fault table: what each fault leaves, through StackStorm's API, on canary and on production.

Real: sshd with its host keys, Consul, the pack's workflows and actions. Stand-ins: what runs on the hosts.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from cicd.deploy.controls import Controls
from cicd.deploy.deploy import Deploy
from cicd.release.record import DEGRADED, DEPLOYING, HEALTHY, RESTORING, STOPPED
from cicd.store.deploy_lock import Lock
from demo.world import wait_for
from tests.fleet.loopback import Machine
from tests.fleet.world import NEW, OLD, PROJECT, Watch, World

RINGS = ("canary", "production")
NOWHERE = "127.77.200.1"
pytestmark = pytest.mark.faults


def said_next(stackstorm: Any) -> str:
    shown = stackstorm.rest.run("cicd.get_release", {"project": PROJECT})["result"]["result"]
    return str(shown["message"]).rpartition("next: ")[2]


def break_one(world: World, machine: Machine, ring: str, fault: str) -> None:
    if fault == "unreachable":
        world.register(machine, ring, address=NOWHERE)
    elif fault == "key":
        world.loopback.change_key(machine)
    else:
        machine.break_with(fault)


def error_of(ended: Any) -> str:
    return str(ended["result"]["output"]["error"]["error"])


def lock_is_free(world: World, ring: str) -> bool:
    return Lock(world.settings, PROJECT, ring).holder() is None


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize(
    ("fault", "says", "left"),
    [
        # On a host that stays broken the old version cannot be proven either: its ring stays open.
        ("unreachable", "cannot be reached by SSH", RESTORING),
        ("key", "presented another host key", RESTORING),
        ("sudo", "sudo refuses cicd-converge", RESTORING),
        ("old", "older than this pack", RESTORING),
        ("hang", "did not finish", RESTORING),
        ("garbage", "gave no report", RESTORING),
        # These break the new version only: the ring is proven to run the old one again.
        ("install", "could not be installed", HEALTHY),
        ("health", "did not answer", HEALTHY),
    ],
)
def test_a_broken_host_is_named_and_the_ring_goes_back(stackstorm, world, ring, fault, says, left):
    generation = world.want(ring)
    broken = world.ring(ring)[-1]
    break_one(world, broken, ring, fault)

    with Watch(world) as watch:
        ended = stackstorm.update(ring, generation)

    assert ended["status"] == "failed"
    assert broken.name in error_of(ended)
    assert says in error_of(ended)
    recorded = world.recorded(ring)
    assert (recorded.state, recorded.wanted) == (left, OLD)
    assert world.installed(ring) == {OLD.version}
    assert watch.fewest >= 4 - (fault == "health")
    assert left == RESTORING or lock_is_free(world, ring)


@pytest.mark.parametrize("ring", RINGS)
def test_of_two_deploys_at_once_one_ends_well_and_the_other_says_why_not(stackstorm, world, ring):
    generation = world.want(ring)
    world.ring(ring)[0].break_with("slow")
    first = stackstorm.begin(ring, generation)
    time.sleep(1)
    newer = Deploy(world.settings, PROJECT, "bob").roll_back(ring).ring(ring)

    overtaken = stackstorm.rest.wait(first, seconds=120)
    ended = stackstorm.update(ring, newer.generation)

    assert overtaken["status"] == "failed"
    assert ended["status"] == "succeeded", ended["result"]
    assert world.recorded(ring).state == HEALTHY
    assert world.installed(ring) == {newer.wanted.version}
    assert lock_is_free(world, ring)


@pytest.mark.parametrize("ring", RINGS)
def test_a_capacity_that_cannot_be_kept_leaves_every_host_as_it_was(stackstorm, world, ring):
    stackstorm.restart(min_healthy="8", time_limit=15)
    generation = world.want(ring)

    with Watch(world) as watch:
        ended = stackstorm.update(ring, generation)
    stackstorm.restart()

    assert "too few hosts are healthy" in error_of(ended)
    assert world.installed(ring) == {OLD.version}
    assert (world.recorded(ring).state, world.recorded(ring).wanted) == (HEALTHY, OLD)
    assert watch.fewest == 8


def test_hosts_that_fail_within_the_budget_leave_the_ring_degraded_until_they_are_retried(stackstorm, world):
    stackstorm.restart(failure_budget="1")
    generation = world.want("production")
    broken = world.ring("production")[2]
    broken.break_with("install")

    ended = stackstorm.update("production", generation)

    assert ended["status"] == "failed"
    assert f"but not on {broken.name}" in error_of(ended)
    assert (world.recorded("production").state, world.recorded("production").wanted) == (DEGRADED, NEW)
    assert world.installed("production") == {OLD.version, NEW.version}
    assert lock_is_free(world, "production")

    broken.break_with("")
    retried = stackstorm.rest.run("cicd.retry_hosts", {"project": PROJECT})
    stackstorm.restart()

    assert retried["status"] == "succeeded", retried["result"]
    assert [host["host"] for host in retried["result"]["output"]["hosts"]] == [broken.name]
    assert world.recorded("production").state == HEALTHY
    assert world.installed("production") == {NEW.version}


def test_a_rollback_whose_repository_is_away_costs_no_traffic_and_ends_well_by_itself(stackstorm, world):
    """The hosts follow later, by themselves: the ring is healthy then, and what is said next is true."""
    generation = world.want("production")
    stackstorm.update("production", generation)
    for machine in world.ring("production"):
        machine.break_with("update")
        (machine.folder / "bad").write_text(OLD.version)

    with Watch(world) as watch:
        ended = stackstorm.rest.run("cicd.rollback", {"project": PROJECT, "ring": "production"})
    assert ended["status"] == "failed"
    assert "apt cannot read the repository" in error_of(ended)
    assert watch.fewest == 8
    assert world.recorded("production").state == RESTORING
    waiting = said_next(stackstorm)
    for machine in world.ring("production"):
        world.converge_by_itself(machine, OLD)

    deadline = time.monotonic() + 120
    while world.recorded("production").state != HEALTHY and time.monotonic() < deadline:
        time.sleep(1)
    assert (world.recorded("production").state, world.recorded("production").wanted) == (HEALTHY, OLD)
    assert f"its hosts converge to {OLD.version} by themselves" in waiting
    assert "by themselves" not in said_next(stackstorm)


def test_an_excluded_host_is_neither_touched_nor_waited_for_and_everybody_can_see_it(stackstorm, world):
    excluded = world.ring("production")[2]
    excluded.break_with("hang")
    asked = {"project": PROJECT, "host": excluded.name, "reason": "a disk is being changed"}
    assert stackstorm.rest.run("cicd.exclude_host", asked)["status"] == "succeeded"

    ended = stackstorm.update("production", world.want("production"))

    shown = stackstorm.rest.run("cicd.get_release", {"project": PROJECT})["result"]["result"]
    assert ended["status"] == "succeeded", ended["result"]
    assert excluded.installed == OLD.version
    assert not (excluded.folder / "hanging").exists()
    assert "a disk is being changed" in shown["message"]
    assert any(entry["what"] == "exclude_host" for entry in shown["history"])
    assert Controls(world.settings, PROJECT, "ann").include(excluded.name).holds.excluded == {}


def test_more_failures_than_the_budget_allows_take_production_back_once(stackstorm, world):
    stackstorm.restart(failure_budget="1", batches=["2"])
    generation = world.want("production")
    machines = world.ring("production")
    for machine in machines[:2]:
        machine.break_with("install")

    ended = stackstorm.update("production", generation)
    stackstorm.restart()

    assert "2 of 6 hosts failed" in error_of(ended)
    assert ended["result"]["output"]["restored"] == OLD.version
    assert world.installed("production") == {OLD.version}
    assert world.recorded("production").state == HEALTHY
    assert [e["what"] for e in world.store.history(PROJECT, 10)].count("restore") == 1


def test_without_auto_rollback_production_stays_for_a_person_who_then_rolls_back(stackstorm, world):
    stackstorm.restart(auto_rollback=False)
    generation = world.want("production")
    machines = world.ring("production")
    machines[1].break_with("install")

    ended = stackstorm.update("production", generation)

    assert ended["status"] == "failed"
    assert (world.recorded("production").state, world.recorded("production").wanted) == (STOPPED, NEW)
    assert machines[0].installed == NEW.version
    assert lock_is_free(world, "production")

    rolled = stackstorm.rest.run("cicd.rollback", {"project": PROJECT, "ring": "production"})
    stackstorm.restart()

    assert rolled["status"] == "succeeded", rolled["result"]
    assert world.installed("production") == {OLD.version}
    assert world.recorded("production").state == HEALTHY


@pytest.mark.parametrize("ring", RINGS)
def test_a_cancelled_deploy_is_found_and_taken_back(stackstorm, world, ring):
    generation = world.want(ring)
    world.ring(ring)[0].break_with("slow")
    execution = stackstorm.begin(ring, generation)
    wait_for("the first batch", lambda: detail(world, generation).get("batch") == 1, 90)

    stackstorm.rest.ask("DELETE", f"/executions/{execution}")

    assert stackstorm.rest.wait(execution, seconds=60)["status"] == "canceled"
    wait_for("the ring to be rolled back", lambda: world.recorded(ring).state == HEALTHY, 90)
    assert world.recorded(ring).wanted == OLD
    assert world.installed(ring) == {OLD.version}
    assert detail(world, generation)["state"] == "cancelled"


@pytest.mark.parametrize("ring", RINGS)
def test_a_deploy_whose_stackstorm_was_killed_between_two_batches_ends_all_the_same(stackstorm, world, ring):
    generation = world.want(ring)
    world.ring(ring)[-1].break_with("slow")
    stackstorm.begin(ring, generation)
    wait_for("the second batch", lambda: detail(world, generation).get("batch") == 2, 90)

    stackstorm.local.kill()
    assert world.recorded(ring).state == DEPLOYING
    stackstorm.start()

    wait_for("an end", lambda: world.recorded(ring).state == HEALTHY, 180)
    assert world.installed(ring) == {world.recorded(ring).wanted.version}


def detail(world: World, generation: int) -> Any:
    return world.store.json(f"cicd/{PROJECT}/rollouts/{generation:08d}", dict) or {}
