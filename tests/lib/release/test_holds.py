"""What people put on a project to stop deploys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import Refused
from cicd.release import holds, record, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.transitions import Build, Release

ANN = Hold("ann", "db migration", 1.0)
BOB = Hold("bob", "holidays", 2.0)
KINDS = ("lock", "freeze", "pin")


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "")


def baked(held: Holds) -> Release:
    state = transitions.advertise_canary(Release("greeter"), build(1), 0)
    state = transitions.confirm(state, "canary", state.ring("canary").generation, 0)
    return transitions.hold(state, held)


def promote(held: Holds) -> Release:
    return transitions.promote(baked(held), when=10, min_bake=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_stops_a_promotion_and_says_who_why_and_how_to_end_it(kind):
    with pytest.raises(Refused, match="by ann: db migration") as refusal:
        promote(holds.put(Holds(), "greeter", kind, ANN))

    assert "st2 run cicd." in refusal.value.hint


def test_a_pin_to_the_canarys_own_version_lets_it_through():
    pin = Hold("ann", "the release", 1.0, build(1).version)

    assert promote(Holds(pin=pin)).ring("production").wanted == build(1)


def test_only_a_lock_stops_a_canary():
    for kind in ("freeze", "pin"):
        held = transitions.hold(Release("greeter"), holds.put(Holds(), "greeter", kind, ANN))
        assert transitions.advertise_canary(held, build(1), 0).ring("canary").wanted == build(1)
    with pytest.raises(Refused, match="locked"):
        transitions.advertise_canary(transitions.hold(Release("greeter"), Holds(lock=ANN)), build(1), 0)


def test_a_vetoed_version_reaches_no_ring_by_any_command():
    vetoed = holds.veto(Holds(), Hold("ann", "leaks", 1.0, build(1).version))

    with pytest.raises(Refused, match="vetoed by ann"):
        transitions.advertise_canary(transitions.hold(Release("greeter"), vetoed), build(1), 0)
    with pytest.raises(Refused, match="vetoed by ann"):
        promote(vetoed)
    newer = transitions.advertise_canary(baked(vetoed), build(2), 1)
    with pytest.raises(Refused, match="no earlier good version"):
        transitions.roll_back(newer, "canary", 2)


@pytest.mark.parametrize("kind", KINDS)
def test_no_hold_stops_a_rollback(kind):
    newer = transitions.advertise_canary(baked(Holds()), build(2), 1)
    held = transitions.hold(newer, holds.put(Holds(), "greeter", kind, ANN))

    assert transitions.roll_back(held, "canary", 2).ring("canary").wanted == build(1)


@pytest.mark.parametrize("kind", KINDS)
def test_one_persons_hold_is_not_replaced_by_anothers(kind):
    held = holds.put(Holds(), "greeter", kind, ANN)

    with pytest.raises(Refused, match="by ann already"):
        holds.put(held, "greeter", kind, BOB)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_ended_is_over_and_cannot_be_ended_twice(kind):
    ended = holds.end(holds.put(Holds(), "greeter", kind, ANN), "greeter", kind, "ann")

    assert ended == Holds()
    with pytest.raises(Refused, match=f"no {kind}"):
        holds.end(ended, "greeter", kind, "ann")


HOLD = st.builds(Hold, st.text(), st.text(), st.floats(0, 1e10), st.text())


@given(
    st.builds(Holds, st.none() | HOLD, st.none() | HOLD, st.none() | HOLD, st.dictionaries(st.text(), HOLD))
)
def test_holds_survive_the_store(held):
    state = transitions.hold(Release("greeter"), held)

    assert record.from_json(record.to_json(state)) == state


def test_a_record_from_before_there_were_holds_has_none():
    stored = record.to_json(Release("greeter"))
    del stored["holds"]

    assert record.from_json(stored).holds == Holds()


def test_an_excluded_host_keeps_its_first_reason_until_it_is_included():
    held = holds.exclude(holds.exclude(Holds(), "web7", ANN), "web7", BOB)

    assert held.excluded == {"web7": ANN}
    assert holds.from_json(record.to_json(baked(held))["holds"]) == held
    assert holds.include(held, "greeter", "web7") == Holds()
    with pytest.raises(Refused, match="web8 is not excluded"):
        holds.include(held, "greeter", "web8")


def hold_line(state: Release, ring: str) -> str:
    return transitions.wanted_document(state, ring).splitlines()[-1]


def in_production() -> Release:
    state = transitions.promote(baked(Holds()), 10, 1)
    return transitions.confirm(state, "production", state.ring("production").generation, 10)


@pytest.mark.parametrize(
    ("held", "canary", "production"),
    [
        (Holds(), "hold=", "hold="),
        (Holds(lock=ANN), "hold=lock", "hold=lock"),
        (Holds(freeze=ANN), "hold=", "hold=freeze"),
        (Holds(pin=Hold("ann", "audit", 1.0, build(7).version)), "hold=", "hold=pin"),
        (Holds(pin=Hold("ann", "audit", 1.0, build(1).version)), "hold=", "hold="),
        (Holds(vetoes={build(1).version: ANN}), "hold=veto", "hold=veto"),
    ],
)
def test_hosts_that_move_by_themselves_are_told_what_holds_them(held, canary, production):
    state = transitions.hold(in_production(), held)

    assert (hold_line(state, "canary"), hold_line(state, "production")) == (canary, production)


def test_hosts_follow_a_step_back_whatever_is_frozen_or_locked():
    newer = transitions.advertise_canary(in_production(), build(2), 11)
    restored = transitions.restore(newer, "canary", newer.ring("canary").generation, 12)

    assert hold_line(transitions.hold(restored, Holds(lock=ANN)), "canary") == "hold="


def test_hosts_do_not_follow_a_step_back_to_a_version_that_is_vetoed_then():
    newer = transitions.advertise_canary(in_production(), build(2), 11)
    restored = transitions.restore(newer, "canary", newer.ring("canary").generation, 12)
    vetoed = transitions.hold(restored, Holds(vetoes={build(1).version: ANN}))

    assert hold_line(vetoed, "canary") == "hold=veto"
