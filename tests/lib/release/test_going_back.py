"""A going-back that fails is said first, and what is said to be next is accepted."""

import importlib.util
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.errors import HostError, Refused, WentBackBadly
from cicd.release import going_back, holds, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import PAIR
from cicd.release.record import STOPPED, Release
from cicd.release.stop import Stop
from cicd.reports import status_text
from tests.lib.release.test_transitions import build, canary_of
from tests.lib.reports.test_status_text import whole

ROOT = Path(__file__).parents[3]
VETO = Hold("ann", "it leaks", 0.0, build(1).version)
FAILED = Stop("update hosts", "1 of 3 hosts failed (web3: greeter.service is not active).", execution="e1")


def half(ring: str = "canary") -> Release:
    """Return a release whose deploy of 2 failed while the last good version, 1, is vetoed."""
    known = canary_of(1)
    if ring == "production":
        known = transitions.promote(known, 10**6, 0)
        known = transitions.confirm(known, "production", known.ring("production").generation, 0)
    known = transitions.advertise_canary(known, build(2), 1)
    if ring == "production":
        known = transitions.confirm(known, "canary", known.ring("canary").generation, 1)
        known = transitions.promote(known, 10**6, 0)
    known = transitions.hold(known, holds.veto(known.holds, VETO))
    return transitions.restore(known, ring, known.ring(ring).generation, 2, FAILED)


@pytest.mark.parametrize("ring", PAIR.names)
def test_nothing_to_go_back_to_stops_the_ring_and_is_said_first(ring):
    known = half(ring)
    said = whole(known, [], 3.0, 0).splitlines()

    assert known.ring(ring).state == STOPPED
    assert said[1].strip().startswith(f"ROLLBACK FAILED: greeter on {ring} is stopped: ")
    assert f"{build(1).version} was vetoed by ann: it leaks" in said[1]
    assert f"Before that, {build(2).version} failed at update hosts: 1 of 3 hosts failed" in said[1]
    with pytest.raises(WentBackBadly, match="ROLLBACK FAILED"):
        going_back.refuse_failed(known, ring)


def test_a_step_of_going_back_that_fails_says_so_before_what_it_was():
    told = going_back.loud(HostError("1 of 3 hosts failed.", "Look.", counts=1), "greeter", "production")

    assert told.message == "ROLLBACK FAILED: greeter on production. 1 of 3 hosts failed."
    assert "starts again by itself" in told.hint
    assert told.details == {"counts": 1}


def test_a_lifted_veto_lets_the_ring_go_back_as_the_next_step_says():
    known = half()
    advised = status_text.next_step(known, 3.0, 0)

    lifted = transitions.hold(known, holds.lift(known.holds, "greeter", build(1).version))

    assert f"st2 run cicd.lift_veto project=greeter version={build(1).version} reason=…" in advised
    assert transitions.roll_back(lifted, "canary", 4.0).ring("canary").wanted == build(1)


def test_only_what_is_vetoed_can_be_lifted():
    with pytest.raises(Refused, match=r"greeter 1\.0 is not vetoed"):
        holds.lift(Holds(), "greeter", "1.0")


def test_a_first_canary_that_failed_is_said_with_where_why_and_execution():
    known = transitions.advertise_canary(Release("greeter"), build(1), 0.0)
    stop = Stop(
        "update hosts", "1 of 1 hosts failed (web1: it is not active).", log="no port", execution="e1"
    )
    known = transitions.restore(known, "canary", known.ring("canary").generation, 1.0, stop)

    said = whole(known, [], 61.0, 0)

    assert f"the deploy of {build(1).version} to canary stopped" in said
    assert "at update hosts: 1 of 1 hosts failed (web1: it is not active). It said last: no port" in said
    assert "(execution e1)" in said
    assert said.splitlines()[-1].strip().startswith("next: greeter has no canary: the deploy of")
    assert "nothing to promote" not in said


def test_what_stopped_a_deploy_is_forgotten_by_the_next_and_not_by_going_back():
    failed = transitions.advertise_canary(canary_of(1), build(2), 1)
    back = transitions.restore(failed, "canary", failed.ring("canary").generation, 2, FAILED)
    well = transitions.confirm(back, "canary", back.ring("canary").generation, 3)
    again = transitions.advertise_canary(well, build(3), 4)

    assert well.ring("canary").stop.version == build(2).version
    assert again.ring("canary").stop is None


def reachable() -> Iterator[Release]:
    """Yield every release within four commands of an empty one, and each with a lock and with each veto."""
    spec = importlib.util.spec_from_file_location("states", ROOT / "script" / "states.py")
    states = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(states)
    seen, todo = set(), deque([(Release("p"), 0)])
    while todo:
        known, depth = todo.popleft()
        if states.essence(known) in seen:
            continue
        seen.add(states.essence(known))
        yield from held(known, states.BUILDS)
        if depth < 4:
            todo.extend((after, depth + 1) for _, _, after in states.steps(known))


def held(known: Release, builds) -> Iterator[Release]:
    yield known
    yield transitions.hold(known, Holds(lock=Hold("ann", "because", 0.0)))
    for one in builds:
        vetoed = transitions.hold(known, Holds(vetoes={one.version: Hold("ann", "it leaks", 0.0)}))
        yield vetoed
        for ring in PAIR.names:
            current = vetoed.ring(ring)
            if current.wanted and current.state == transitions.DEPLOYING:
                yield transitions.restore(vetoed, ring, current.generation, 1.0)


def refusals(known: Release, advised: str) -> Iterator[str]:
    """Yield what *advised* recommends and *known* refuses; a veto that it says to lift is lifted first."""
    for version in re.findall(r"lift_veto project=p version=(\S+)", advised):
        known = transitions.hold(known, holds.lift(known.holds, "p", version))
    for ring in re.findall(r"cicd\.rollback project=p ring=(\w+)", advised):
        if not going_back.can(known, ring):
            yield f"rollback of {ring}"
    for ring in re.findall(r"retry_hosts project=p ring=(\w+)", advised):
        try:
            transitions.refuse_overtaken(known, ring, known.ring(ring).generation)
        except Refused as refusal:
            yield refusal.message
    if "cicd.deploy_production project=p`" in advised:
        transitions.promote(known, 1.0e9, 60)


def test_no_next_step_recommends_what_is_refused():
    known = [one for one in reachable() if one.generation]
    wrong = {
        said
        for one in known
        for advised in [status_text.next_step(one, 1.0e9, 60)]
        for said in refusals(one, advised)
    }

    assert len(known) > 1000
    assert not wrong
