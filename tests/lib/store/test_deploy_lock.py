"""The deploy lock in a real Consul."""

import json
import time
from dataclasses import replace

import pytest
import requests

from cicd.errors import Refused
from cicd.release import transitions
from cicd.release.record import Build, Cause
from cicd.store import deploy_lock
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store
from tests.lib.consul_settings import settings

ANN = Holder("ann", "deploy 1", "e1", time.time())
BOB = Holder("bob", "deploy 2", "e2", time.time())
BUILD = Build("1.0-1.0000001", "greeter", "1" * 40, "0" * 64, "acme/greeter@x")
KEY = deploy_lock.key("greeter", "canary")


@pytest.fixture
def canary(consul: str) -> Lock:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    for session in requests.get(f"{consul}/v1/session/list", timeout=10).json():
        requests.put(f"{consul}/v1/session/destroy/{session['ID']}", timeout=10)
    return Lock(settings(consul), "greeter", "canary")


def advertise(consul: str, held: Lock, session: str) -> transitions.Release:
    fence = held.fence(session, ANN)
    cause = Cause("ann", "deploy", 1.0)
    decide = lambda r: transitions.advertise_canary(r, BUILD, 1.0)  # noqa: E731
    return Store(settings(consul)).change("greeter", "advertise_canary", "canary", cause, decide, fence)


def ask_until_refused(still_ours) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        still_ours()
        time.sleep(0.05)


def test_one_holds_it_and_the_other_is_told_who_why_and_for_how_long(canary):
    canary.acquire(ANN)

    with pytest.raises(Refused, match=r"by ann \(deploy 1\), execution e1, for \d+ s") as refusal:
        canary.acquire(BOB)
    assert "steal_lock project=greeter" in refusal.value.hint
    assert refusal.value.details == {"execution": "e1"}


def test_the_rings_of_a_project_are_locked_apart(canary, consul):
    canary.acquire(ANN)

    assert Lock(settings(consul), "greeter", "production").acquire(BOB)


def test_who_waits_gets_it_when_the_one_before_is_done(canary):
    canary.release(canary.acquire(ANN))

    assert canary.acquire(BOB, wait_seconds=5)
    assert canary.holder().who == "bob"


def test_the_next_step_of_a_deploy_finds_its_lock_by_its_generation(canary, consul):
    session = canary.acquire(ANN)
    changed = advertise(consul, canary, session)

    assert canary.resume(changed.ring("canary").generation, BOB) == session
    with pytest.raises(Refused, match="is being deployed"):
        canary.resume(changed.ring("canary").generation - 1, BOB)


def test_a_lock_that_died_between_two_steps_is_taken_again_by_the_same_deploy(canary, consul):
    session = canary.acquire(ANN)
    generation = advertise(consul, canary, session).ring("canary").generation
    canary.release(session)

    again = canary.resume(generation, replace(ANN, why="update hosts"))

    assert again not in ("", session)
    assert canary.holder().generation == generation


def test_a_write_of_who_lost_the_lock_is_refused_and_nothing_is_written(canary, consul):
    stale = canary.acquire(ANN)
    canary.preempt(BOB)
    before = requests.get(f"{consul}/v1/kv/?recurse", timeout=10).json()

    with pytest.raises(Refused, match="lost its lock before it wrote"):
        advertise(consul, canary, stale)
    assert requests.get(f"{consul}/v1/kv/?recurse", timeout=10).json() == before


def test_a_write_of_who_lost_it_to_nobody_is_refused_as_well(canary, consul):
    stale = canary.acquire(ANN)
    canary.release(stale)

    with pytest.raises(Refused, match="lost its lock"):
        advertise(consul, canary, stale)


def test_while_a_step_works_the_lock_outlives_its_time_to_live(canary, consul, monkeypatch):
    monkeypatch.setattr(Lock, "renew_interval", lambda self: 0.05)
    session = canary.acquire(ANN)
    with canary.renewed(session) as still_ours:
        time.sleep(0.5)
        still_ours()
        canary.preempt(BOB)
        with pytest.raises(Refused, match="lost its lock"):
            ask_until_refused(still_ours)


def test_the_lock_says_in_consul_who_holds_it(canary, consul):
    canary.acquire(ANN)

    shown = json.loads(requests.get(f"{consul}/v1/kv/{KEY}?raw", timeout=10).text)
    assert (shown["who"], shown["why"], shown["execution"]) == ("ann", "deploy 1", "e1")
