"""Batches, budget and capacity over real SSH; what runs on the hosts is a stand-in."""

from __future__ import annotations

import json
from itertools import chain, repeat
from typing import Any

import pytest
import requests

from cicd.clock import Sightings
from cicd.deploy import lost_deploys
from cicd.deploy.controls import Controls
from cicd.deploy.deploy import Deploy
from cicd.errors import HostError, Refused
from cicd.fleet.rollout import Order, Rollout
from cicd.release import fate, transitions
from cicd.reports import overview
from cicd.store.deploy_lock import Lock
from demo.world import wait_for
from tests.fleet.world import NEW, OLD, PROJECT, Watch, World

RINGS = ("canary", "production")


def roll_out(world: World, ring: str, all_at_once: bool = False, **more: Any) -> list[Any]:
    generation = world.want(ring)
    return Rollout(
        world.settings, Order(world.project, ring, generation, world.hosts(ring), all_at_once), **more
    ).run()


def stopped(world: World, ring: str, **more: Any) -> HostError:
    with pytest.raises(HostError) as failure:
        roll_out(world, ring, **more)
    return failure.value


def detail(world: World, ring: str) -> Any:
    return world.store.json(f"cicd/{PROJECT}/rollouts/{world.recorded(ring).generation:08d}", dict)


@pytest.mark.parametrize("ring", RINGS)
def test_every_host_of_the_ring_gets_the_version_while_the_others_serve(world, ring, capsys):
    with Watch(world) as watch:
        reports = roll_out(world, ring)

    assert {report.state for report in reports} == {"converged"}
    assert world.installed(ring) == {NEW.version}
    assert watch.fewest >= 4
    assert min(watch.fewest_in_zone.values()) >= 2
    assert set(detail(world, ring)["hosts"]) == {machine.name for machine in world.ring(ring)}
    assert "batch 1: 1 hosts" in capsys.readouterr().out


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("unreachable", "cannot be reached by SSH"),
        ("key", "presented another host key"),
        ("sudo", "sudo refuses cicd-converge"),
        ("old", "older than this pack"),
    ],
)
def test_what_can_be_known_before_stops_a_deploy_before_any_host_is_touched(world, ring, fault, says):
    last = world.ring(ring)[-1]
    generation = world.want(ring)
    hosts = world.hosts(ring)
    if fault == "unreachable":
        hosts[-1] = type(hosts[-1])(last.name, "127.77.200.1")
    elif fault == "key":
        world.loopback.change_key(last)
    else:
        last.break_with(fault)

    with pytest.raises(HostError, match=says) as failure:
        Rollout(world.settings, Order(world.project, ring, generation, hosts)).run()

    assert last.name in failure.value.message
    assert world.installed(ring) == {OLD.version}


@pytest.mark.parametrize(
    ("fault", "code"),
    [("hang", "unreachable"), ("garbage", "no_report"), ("flood", "no_report"), ("install", "install")],
)
def test_the_first_batch_that_fails_is_the_last(world, fault, code):
    first, *others = world.ring("production")
    first.break_with(fault)

    failure = stopped(world, "production")

    assert failure.details["failed"] == [
        {"host": first.name, "code": code, "message": failure.details["failed"][0]["message"]}
    ]
    assert failure.details["counts"] == {"failed": 1, "untouched": 5}
    assert {machine.installed for machine in others} == {OLD.version}
    assert len(json.dumps(failure.as_result())) < 10_000


def test_the_budget_is_one_for_all_batches(world):
    world.configuration["deploy"]["failure_budget"] = "1"
    one, two, *others = world.ring("production")
    one.break_with("install")
    reports = roll_out(world, "production")

    assert [report.host for report in reports if report.failed] == [one.name]
    assert {machine.installed for machine in others} == {NEW.version}

    world.reset()
    one.break_with("install")
    two.break_with("install")
    assert stopped(world, "production").details["failed_hosts"] == f"{one.name}, {two.name}"


def test_a_host_that_is_installed_but_not_healthy_counts_as_failed(world, monkeypatch):
    monkeypatch.setattr("cicd.fleet.rollout.HEALTH_LIMIT_SECONDS", 1)
    first = world.ring("production")[0]
    (first.folder / "entry.json").write_text(
        (first.folder / "entry.json").read_text().replace("STATUS", "critical")
    )

    assert stopped(world, "production").details["failed"][0]["code"] == "unhealthy"


def test_a_capacity_that_cannot_be_kept_stops_the_deploy_before_the_next_batch(world, monkeypatch):
    monkeypatch.setattr("cicd.fleet.rollout.ROOM_LIMIT_SECONDS", 1)
    world.configuration["deploy"]["min_healthy"] = "8"

    failure = stopped(world, "production")

    assert "too few hosts are healthy" in failure.message
    assert world.installed("production") == {OLD.version}


def test_going_back_is_wide_open_but_leaves_half_of_the_hosts_serving(world):
    with Watch(world) as watch:
        roll_out(world, "production", all_at_once=True)

    assert world.installed("production") == {NEW.version}
    assert 4 <= watch.fewest <= 5


def test_going_back_tries_every_host_and_then_names_those_that_failed(world):
    first, *others = world.ring("production")
    first.break_with("install")

    failure = stopped(world, "production", all_at_once=True)

    assert failure.details["failed_hosts"] == first.name
    assert {machine.installed for machine in others} == {NEW.version}


@pytest.mark.parametrize(
    ("fault", "says"), [("key", "presented another host key"), ("sudo", "sudo refuses cicd-converge")]
)
def test_going_back_waits_for_no_host_that_cannot_be_reached(world, fault, says):
    last, *others = reversed(world.ring("production"))
    if fault == "key":
        world.loopback.change_key(last)
    else:
        last.break_with(fault)

    failure = stopped(world, "production", all_at_once=True)

    assert says in failure.message
    assert {machine.installed for machine in others} == {NEW.version}


def test_a_cancelled_deploy_stops_before_its_next_batch(world):
    asked = chain([False], repeat(True))

    failure = stopped(world, "production", cancelled=lambda: next(asked))

    assert "was cancelled" in failure.message
    assert failure.details["counts"] == {"converged": 1, "untouched": 5}
    assert detail(world, "production")["state"] == "cancelled"


def test_hosts_refuse_a_deploy_that_a_newer_one_has_overtaken(world):
    generation = world.want("canary")
    world.want("canary", NEW)

    with pytest.raises(HostError, match="a newer deploy has taken over"):
        Rollout(world.settings, Order(world.project, "canary", generation, world.hosts("canary"))).run()

    assert world.installed("canary") == {OLD.version}


def test_what_a_host_says_is_neither_template_nor_terminal_code(world):
    world.ring("production")[0].break_with("garbage")

    said = json.dumps(stopped(world, "production").as_result())

    assert "{{" not in said
    assert "<%" not in said


def test_a_deploy_does_not_begin_on_a_sick_ring_or_without_capacity(world):
    deploy = Deploy(world.settings, PROJECT, "ann")
    world.configuration["deploy"]["min_healthy"] = "8"
    with pytest.raises(Refused, match="Too few of greeter's 8 hosts"):
        Deploy(world.settings, PROJECT, "ann").look().deployable_hosts("production")
    sick = world.ring("production")[2]
    entry = (sick.folder / "entry.json").read_text().replace("STATUS", "critical")
    requests.put(f"{world.consul}/v1/catalog/register", data=entry, timeout=10).raise_for_status()

    with pytest.raises(Refused, match=f"{sick.name}: it answers is critical"):
        deploy.look().deployable_hosts("production")

    Controls(world.settings, PROJECT, "ann").exclude(sick.name, "a disk is being changed")

    assert sick.name not in {host.name for host in deploy.look().deployable_hosts("production")}


def test_production_that_was_never_deployed_does_not_hold_up_a_second_canary(world):
    requests.delete(f"{world.consul}/v1/kv/cicd/{PROJECT}/release", timeout=10).raise_for_status()
    for machine in world.ring("production"):
        entry = (machine.folder / "entry.json").read_text().replace("STATUS", "critical")
        requests.put(f"{world.consul}/v1/catalog/register", data=entry, timeout=10).raise_for_status()
    world.want("canary", OLD)

    found = Deploy(world.settings, PROJECT, "ann").look().deployable_hosts("canary")

    assert {host.name for host in found} == {machine.name for machine in world.ring("canary")}


def found(world: World) -> list[Any]:
    return list(lost_deploys.find(world.settings, world.store, Sightings()))


def test_a_ring_that_was_taken_back_is_found_when_its_last_host_is_well_and_not_before(world, monkeypatch):
    monkeypatch.setattr(fate, "QUIET_SECONDS", 0)
    deploy = Deploy(world.settings, PROJECT)
    changed = deploy.restore("production", world.want("production"))
    generation = changed.ring("production").generation
    *others, last = world.ring("production")
    for machine in others:
        world.converge_by_itself(machine, OLD)
    world.converge_by_itself(last, NEW)
    early = found(world)
    world.converge_by_itself(last, OLD)

    assert early == []
    told = {"project": PROJECT, "ring": "production", "generation": generation}
    assert found(world) == [("cicd.ring_recovered", told)]
    deploy.confirm("production", generation)
    assert world.recorded("production").state == "healthy"
    assert found(world) == []


def fails_while_its_good_version_is_vetoed(world: World) -> tuple[Deploy, int]:
    """Let a deploy to production fail on its first host, as update_ring does, with OLD vetoed."""
    generation, deploy = world.want("production"), Deploy(world.settings, PROJECT, "ann", "e1")
    world.ring("production")[0].break_with("install")
    Controls(world.settings, PROJECT, "ann").hold("veto", "it leaks", OLD.version)
    order = Order(world.project, "production", generation, world.hosts("production"))
    with pytest.raises(HostError) as failed, deploy.holding_lock("production", generation):
        Rollout(world.settings, order).run()
    deploy.note("production", generation, "update hosts", failed.value)
    return deploy, generation


def test_a_deploy_that_fails_while_the_last_good_version_is_vetoed_stops_the_ring_and_says_so_first(world):
    deploy, generation = fails_while_its_good_version_is_vetoed(world)

    changed = deploy.restore("production", generation)

    said = overview.project_status(world.settings, PROJECT)["message"].splitlines()
    assert changed.ring("production").state == "stopped"
    assert said[1].startswith("  ROLLBACK FAILED: greeter on production is stopped: greeter has no earlier")
    assert f"{OLD.version} was vetoed by ann: it leaks" in said[1]
    assert f"Before that, {NEW.version} failed at update hosts: " in said[1]
    assert f"st2 run cicd.lift_veto project=greeter version={OLD.version}" in said[-1]
    assert found(world) == [], "it waits for a person"
    entry = world.store.history(PROJECT, 1)[0]
    assert (entry["what"], entry["execution"], entry["stop"]["execution"]) == ("stop", "e1", "e1")
    assert "1 of 6 hosts failed" in entry["why"]


def test_after_a_failed_going_back_the_next_deploy_is_not_refused_for_one_that_ended(world):
    deploy, generation = fails_while_its_good_version_is_vetoed(world)

    deploy.restore("production", generation)

    assert Lock(world.settings, PROJECT, "production").holder() is None
    Controls(world.settings, PROJECT, "bob").lift_veto(OLD.version, "it was another one")
    assert deploy.roll_back("production").ring("production").wanted == OLD
    newest = world.store.history(PROJECT, 2)[1]
    assert (newest["what"], newest["who"], newest["why"]) == (
        "lift_veto",
        "bob",
        f"{OLD.version}: it was another one",
    )


@pytest.mark.parametrize("state", ["cancelled", "running"])
def test_a_going_back_that_was_cancelled_or_killed_is_found_and_begun_again_until_it_ends(world, state):
    world.configuration["deploy"]["lost_after"] = 1
    deploy, generation = Deploy(world.settings, PROJECT), world.want("production")
    for begun in range(1, transitions.RESTORE_TRIES + 1):
        generation = deploy.restore("production", generation).ring("production").generation
        known = {"state": state, "at": 0, "hosts": {}, "generation": generation, "ring": "production"}
        world.store.put(f"cicd/{PROJECT}/rollouts/{generation:08d}", known)
        told = {"project": PROJECT, "ring": "production", "generation": generation}

        assert (world.recorded("production").state, world.recorded("production").tries) == (
            "restoring",
            begun,
        )
        wait_for("the ring to be found", lambda news=[("cicd.deploy_lost", told)]: found(world) == news)

    ended = deploy.restore("production", generation).ring("production")

    assert (ended.state, ended.wanted) == ("stopped", OLD)
    assert found(world) == []
    assert Lock(world.settings, PROJECT, "production").holder() is None


def test_a_step_of_going_back_that_failed_leaves_no_lock_behind(world):
    deploy = Deploy(world.settings, PROJECT, "ann", "e1")
    changed = deploy.restore("production", world.want("production"))
    generation = changed.ring("production").generation
    held = Lock(world.settings, PROJECT, "production").holder()

    deploy.note("production", generation, "update hosts", HostError("greeter failed", "Look."))

    assert held
    assert held.generation == generation
    assert Lock(world.settings, PROJECT, "production").holder() is None
