"""Every state that a deploy can be left in is found, tried again and ended."""

from dataclasses import replace
from itertools import product

import pytest

from cicd.deploy import lost_deploys
from cicd.release import fate, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.record import DEGRADED, DEPLOYING, EMPTY, HEALTHY, RESTORING, STOPPED, Release, Ring
from cicd.release.rollout_record import CANCELLED, RUNNING
from tests.lib.release.test_transitions import build, canary_of

LOST_AFTER, NOW = 120.0, 10_000.0
STATES = (EMPTY, DEPLOYING, RESTORING, HEALTHY, DEGRADED, STOPPED)
ROLLOUTS = {
    "never began": {},
    "runs": {"state": RUNNING, "at": NOW - 5},
    "died": {"state": RUNNING, "at": NOW - 500},
    "was cancelled": {"state": CANCELLED, "at": NOW - 5},
    "ended just now": {"state": "ended", "at": NOW - 5},
    "ended": {"state": "ended", "at": NOW - 60},
    "ended long ago": {"state": "ended", "at": NOW - 500},
}
#                      never began  runs        died         cancelled    just now    ended       long ago
TABLE = {
    (EMPTY, False): ["ended"] * 7,
    (HEALTHY, False): ["ended"] * 7,
    (DEPLOYING, False): ["roll back", "driven", "roll back", "roll back", "driven", "driven", "roll back"],
    (DEPLOYING, True): ["roll back", "driven", "roll back", "roll back", "driven", "driven", "roll back"],
    (RESTORING, True): ["roll back", "driven", "roll back", "roll back", "driven", "driven", "roll back"],
    (DEGRADED, False): ["hosts"] * 7,
    (STOPPED, False): ["person"] * 7,
    (STOPPED, True): ["hosts"] * 7,
}
WELL = {
    (RESTORING, True): ["confirm", "driven", "confirm", "roll back", "driven", "confirm", "confirm"],
    (DEGRADED, False): ["confirm", "hosts", "confirm", "hosts", "hosts", "confirm", "confirm"],
    (STOPPED, True): ["confirm", "hosts", "confirm", "hosts", "hosts", "confirm", "confirm"],
}


def becomes(state: str, backward: bool, rollout: str, is_well: bool) -> str:
    ring = Ring(state=state, wanted=build(1), since=NOW - 500, backward=backward)
    return fate.of(ring, ROLLOUTS[rollout], NOW, LOST_AFTER, is_well)


@pytest.mark.parametrize(("state", "backward"), TABLE)
def test_what_becomes_of_a_ring_whose_hosts_are_not_all_well(state, backward):
    assert [becomes(state, backward, rollout, False) for rollout in ROLLOUTS] == TABLE[state, backward]


@pytest.mark.parametrize(("state", "backward"), TABLE)
def test_what_becomes_of_a_ring_whose_hosts_are_all_well(state, backward):
    wanted = WELL.get((state, backward), TABLE[state, backward])

    assert [becomes(state, backward, rollout, True) for rollout in ROLLOUTS] == wanted


def test_the_table_has_every_state():
    assert {state for state, _ in TABLE} == set(STATES)


@pytest.mark.parametrize(("state", "backward"), TABLE)
def test_no_ring_moves_for_ever(state, backward):
    """Whatever a rollout left: an hour later a ring that moves is told of, and what is told ends."""
    for rollout, is_well in product(ROLLOUTS, (False, True)):
        ring = Ring(state=state, wanted=build(1), since=NOW - 500, backward=backward)
        later = fate.of(ring, ROLLOUTS[rollout], NOW + 3600, LOST_AFTER, is_well)

        assert later != fate.DRIVEN
        assert (later in lost_deploys.TRIGGERS) or state not in (DEPLOYING, RESTORING)


def going_back(vetoed: bool = False) -> Release:
    failed = transitions.advertise_canary(canary_of(1), build(2), when=1)
    if vetoed:
        failed = transitions.hold(failed, Holds(vetoes={build(1).version: Hold("ann", "it leaks", 0.0)}))
    return transitions.restore(failed, "canary", failed.ring("canary").generation, when=2)


def test_a_going_back_that_never_succeeds_is_begun_again_to_the_same_version_and_then_ends():
    known, begun = going_back(), 0
    while known.ring("canary").state == RESTORING:
        assert known.ring("canary").wanted == build(1)
        assert begun < 10, "it goes on for ever"
        begun += 1
        known = transitions.restore(known, "canary", known.ring("canary").generation, when=3)

    assert begun == transitions.RESTORE_TRIES
    assert known.ring("canary").state == STOPPED
    assert "rollout=open" in transitions.wanted_document(known, "canary"), "its hosts still converge alone"
    ended = transitions.confirm(known, "canary", known.ring("canary").generation, 4).ring("canary")
    assert (ended.state, ended.wanted, ended.tries) == (
        HEALTHY,
        build(1),
        0,
    )


def test_a_second_going_back_has_all_its_tries():
    known = going_back()
    for _ in range(transitions.RESTORE_TRIES - 1):
        known = transitions.restore(known, "canary", known.ring("canary").generation, when=3)
    well = transitions.confirm(known, "canary", known.ring("canary").generation, 4)
    failed = transitions.advertise_canary(well, build(3), when=5)

    assert (
        transitions.restore(failed, "canary", failed.ring("canary").generation, 6).ring("canary").tries == 1
    )


def test_a_version_that_is_vetoed_while_the_ring_goes_back_to_it_stops_that():
    known = transitions.hold(going_back(), Holds(vetoes={build(1).version: Hold("ann", "it leaks", 0.0)}))

    assert (
        transitions.restore(known, "canary", known.ring("canary").generation, 3).ring("canary").state
        == STOPPED
    )


def test_what_stands_is_told_again_and_not_at_every_look():
    event = ("cicd.deploy_lost", {"project": "greeter", "ring": "canary", "generation": 3})
    told = lost_deploys.Told()
    times = [0.0, 15.0, 30.0, lost_deploys.AGAIN_SECONDS, lost_deploys.AGAIN_SECONDS + 15.0]

    assert [len(told.news([event], now)) for now in times] == [1, 0, 0, 1, 0]


def test_what_came_back_after_it_was_over_is_told_at_once():
    event = ("cicd.deploy_lost", {"project": "greeter", "ring": "canary", "generation": 3})
    told = lost_deploys.Told()
    told.news([event], 0.0)
    told.news([], 1.0)

    assert told.news([event], 2.0) == [event]


@pytest.mark.parametrize("ring_state", [DEPLOYING, RESTORING])
def test_a_deploy_that_seems_dead_is_not_said_to_be_under_way(ring_state):
    ring = Ring(state=ring_state, wanted=build(1), since=NOW - 50)

    assert "no sign of life for 50 s; it is rolled back by itself" in fate.silence(ring, {}, NOW, LOST_AFTER)
    assert "was cancelled" in fate.silence(ring, ROLLOUTS["was cancelled"], NOW, LOST_AFTER)
    assert fate.silence(ring, ROLLOUTS["runs"], NOW, LOST_AFTER) == ""
    assert fate.silence(replace(ring, state=HEALTHY), {}, NOW, LOST_AFTER) == ""
