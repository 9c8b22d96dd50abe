"""The share of requests that a canary gets: when it may grow, when it ends, and what load balancers read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import InputError, Refused
from cicd.release import holds, record, shares, traffic, transitions
from cicd.release.analysis import Analysis
from cicd.release.firing import SILENCE, Alarms, Firing
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import CANARY, PRODUCTION, Lifecycle, Stage
from cicd.release.record import Build, Release, Ring
from cicd.release.traffic import Traffic
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE

STEPS = (1.0, 5.0, 25.0)
STEPPED = Lifecycle((Stage(CANARY, traffic=STEPS), Stage(PRODUCTION, after=(CANARY,))))
BY_HAND = Lifecycle((Stage(CANARY), Stage(PRODUCTION, after=(CANARY,))))
FIRING = Alarms((Firing("nagios", "web1", "http", "web1 is slow", 1.0),), {"web1"})


def build(number: int) -> Build:
    return Build(f"1.0-{number}.000000{number}", "greeter", f"{number}" * 40, "0" * 64, "")


def advertised(lifecycle: Lifecycle, known: Release | None = None, number: int = 1) -> Release:
    return transitions.advertise_canary(known or Release("greeter", lifecycle=lifecycle), build(number), 10.0)


def healthy(known: Release, ring: str = CANARY, when: float = 20.0) -> Release:
    return transitions.confirm(known, ring, known.ring(ring).generation, when)


def good(known: Release, outcome: str = GOOD, began: float | None = None) -> Release:
    """Let the canary be found so by requests since its share is what it is."""
    ring = known.first
    since = ring.traffic.since if ring.traffic else 0.0
    found = Analysis(ring.generation, outcome, began=since if began is None else began)
    return known.with_ring(CANARY, replace(ring, analysis=found))


def share(known: Release) -> float | None:
    return known.first.traffic.share if known.first.traffic else None


def step(known: Release, when: float, alarms: Alarms = SILENCE) -> Release:
    due = shares.next_share(known, alarms)
    assert due is not None
    return shares.set_share(known, due, when, alarms, by_steps=due > 0)


def test_a_new_version_begins_with_nothing_and_takes_each_step_once_it_is_good_at_the_one_before():
    known = advertised(STEPPED)
    assert (share(known), shares.next_share(known, SILENCE)) == (0.0, None)
    known = healthy(known)
    for number, expected in enumerate(STEPS):
        known = step(known, 30.0 + number)
        assert share(known) == expected
        assert known.first.analysis is None
        assert shares.next_share(known, SILENCE) is None
        assert not shares.is_through(known, CANARY)
        known = good(known)
    assert shares.next_share(known, SILENCE) is None
    assert shares.is_through(known, CANARY)


def test_what_is_not_good_takes_no_step():
    known = good(step(healthy(advertised(STEPPED)), 30.0), INCONCLUSIVE)

    assert shares.next_share(known, SILENCE) is None


@pytest.mark.parametrize("lifecycle", [STEPPED, BY_HAND])
def test_what_is_bad_and_stays_gets_nothing_by_itself_and_no_other_share_makes_it_less_bad(lifecycle):
    known = good(shares.set_share(healthy(advertised(lifecycle)), 50.0, 30.0, SILENCE), BAD)
    for changed in (step(known, 40.0), shares.set_share(known, 5.0, 40.0, SILENCE)):
        assert changed.first.analysis == known.first.analysis
        for more in (60.0, None):
            with pytest.raises(Refused, match="failed its analysis on canary"):
                shares.set_share(changed, more, 50.0, SILENCE)

    assert share(step(known, 40.0)) == 0.0
    assert shares.next_share(step(known, 40.0), SILENCE) is None


def test_a_version_that_a_later_ring_went_back_from_takes_no_further_step():
    known = healthy(advertised(STEPPED))
    known = healthy(transitions.promote(known, 25.0, 0), PRODUCTION, 26.0)
    known = good(step(healthy(advertised(STEPPED, known, 2)), 30.0))
    promoted = healthy(transitions.promote(known, 31.0, 0), PRODUCTION, 31.0)
    back = transitions.roll_back(promoted, PRODUCTION, 32.0)
    stepped = known.first.traffic
    back = back.with_ring(CANARY, replace(back.first, traffic=stepped))  # as in the middle of that deploy

    assert shares.next_share(known, SILENCE) == STEPS[1]
    assert shares.next_share(healthy(back, PRODUCTION, 33.0), SILENCE) is None


@pytest.mark.parametrize(
    "taken",
    [
        Holds(lock=Hold("ann", "a fair", 0.0)),
        holds.veto(Holds(), Hold("ann", "leaks", 0.0, build(1).version)),
    ],
)
def test_no_step_is_due_that_a_lock_or_a_veto_would_refuse(taken):
    known = healthy(advertised(STEPPED))

    assert shares.next_share(known, SILENCE) == STEPS[0]
    assert shares.next_share(transitions.hold(known, taken), SILENCE) is None


def test_a_verdict_of_requests_before_the_step_does_not_count():
    known = step(healthy(advertised(STEPPED)), 1000.0)

    assert shares.next_share(good(known, began=900.0), SILENCE) is None
    assert shares.next_share(good(known, began=980.0), SILENCE) == STEPS[1], (
        "another worker's clock is behind"
    )


def test_a_clock_that_is_set_back_after_a_step_stops_no_further_one():
    ahead = step(healthy(advertised(STEPPED)), 5000.0)
    known = record.not_ahead(ahead, 1000.0)

    assert shares.next_share(good(ahead, began=990.0), SILENCE) is None
    assert shares.next_share(good(known, began=990.0), SILENCE) == STEPS[1]
    assert record.not_ahead(known, 1000.0) == known


def test_an_alarm_takes_the_share_to_nothing_and_a_person_says_how_it_goes_on():
    known = good(step(healthy(advertised(STEPPED)), 30.0))
    known = step(known, 40.0, FIRING)

    assert share(known) == 0.0
    assert shares.next_share(known, SILENCE) is None
    assert shares.next_share(known, FIRING) is None
    assert share(shares.set_share(known, 5.0, 50.0, SILENCE)) == 5.0


def test_whoever_sets_a_share_takes_over_from_the_steps_until_the_next_version():
    known = good(shares.set_share(healthy(advertised(STEPPED)), 10.0, 30.0, SILENCE))

    assert shares.next_share(known, SILENCE) is None
    known = healthy(advertised(STEPPED, known, 2))
    assert shares.next_share(known, SILENCE) == STEPS[0]


def test_going_back_takes_the_share_to_nothing_in_the_same_change():
    known = healthy(advertised(STEPPED, healthy(advertised(STEPPED)), 2))
    known = transitions.roll_back(step(known, 30.0), CANARY, 40.0)

    assert (known.first.wanted, share(known)) == (build(1), 0.0)
    assert shares.next_share(healthy(known), SILENCE) is None


def test_a_failed_deploy_takes_the_share_to_nothing():
    known = shares.set_share(healthy(advertised(BY_HAND)), 50.0, 30.0, SILENCE)
    known = replace(known, rings={CANARY: replace(known.first, state=record.DEPLOYING)})

    assert share(transitions.restore(known, CANARY, known.first.generation, 40.0)) == 0.0


def test_without_steps_a_share_ends_with_the_next_version():
    known = shares.set_share(healthy(advertised(BY_HAND)), 5.0, 30.0, SILENCE)

    assert share(known) == 5.0
    assert share(advertised(BY_HAND, known, 2)) is None
    assert shares.next_share(known, SILENCE) is None


def test_it_ends_when_production_runs_what_the_canary_runs():
    known = shares.set_share(healthy(advertised(BY_HAND)), 50.0, 30.0, SILENCE)
    known = transitions.promote(known, 40.0, 0)
    assert share(known) == 50.0
    known = healthy(known, PRODUCTION, 50.0)

    assert known.first.traffic == Traffic(known.generation, None, 50.0)


def test_a_version_that_went_on_takes_no_step():
    before = replace(transitions.promote(healthy(advertised(BY_HAND)), 40.0, 0), lifecycle=STEPPED)

    assert shares.next_share(before, SILENCE) is None
    assert shares.next_share(healthy(before, PRODUCTION, 50.0), SILENCE) is None
    assert shares.next_share(healthy(advertised(STEPPED, before, 2)), SILENCE) == STEPS[0]


def test_it_stays_when_the_canary_has_moved_on():
    known = transitions.promote(healthy(advertised(BY_HAND)), 40.0, 0)
    known = healthy(advertised(BY_HAND, known, 2))
    known = shares.set_share(known, 5.0, 50.0, SILENCE)

    assert share(healthy(known, PRODUCTION, 60.0)) == 5.0


def test_a_record_without_a_share_is_written_as_before():
    known = healthy(advertised(BY_HAND))

    assert all("traffic" not in stored for stored in (record.to_json(known)[CANARY],))
    assert record.from_json(record.to_json(known)).first.traffic is None


@given(st.integers(0, 10**9), st.none() | st.floats(0, 100), st.floats(0, 4e9), st.booleans())
def test_it_comes_back_from_the_record_as_it_was_written(generation, percent, since, by_steps):
    ring = Ring(record.HEALTHY, build(1), generation=4, traffic=Traffic(generation, percent, since, by_steps))
    known = Release("greeter", 7, {CANARY: ring})

    assert record.from_json(json.loads(json.dumps(record.to_json(known)))) == known


def test_nothing_on_the_canary_gets_no_share():
    with pytest.raises(Refused, match="greeter has nothing on canary"):
        shares.set_share(Release("greeter"), 5.0, 1.0, SILENCE)


def test_more_is_refused_while_it_is_not_healthy_held_or_alarmed_and_less_never_is():
    begun = shares.set_share(healthy(advertised(BY_HAND)), 50.0, 30.0, SILENCE)
    locked = transitions.hold(begun, Holds(lock=Hold("ann", "a fair", 0.0)))
    vetoed = transitions.hold(begun, holds.veto(Holds(), Hold("ann", "leaks", 0.0, build(1).version)))
    moving = begun.with_ring(CANARY, replace(begun.first, state=record.DEPLOYING))
    for known, alarms, why in (
        (locked, SILENCE, "locked"),
        (vetoed, SILENCE, "leaks"),
        (moving, SILENCE, "not healthy on every canary host"),
        (begun, FIRING, "while an alarm fires: web1 is slow"),
    ):
        for more in (50.1, None):
            with pytest.raises(Refused, match=why):
                shares.set_share(known, more, 40.0, alarms)
        for less in (0.0, 49.9, 50.0):
            assert share(shares.set_share(known, less, 40.0, alarms)) == less


@given(st.integers(0, 1000))
def test_a_percentage_becomes_as_many_buckets(tenths):
    text = f"{tenths // 10}.{tenths % 10}"
    known = Traffic(3, traffic.parse(text), 0.0)

    assert traffic.parse(traffic.text(known.share)) == known.share
    assert traffic.wanted(known) == {"buckets": tenths * 10, "generation": 3}


@pytest.mark.parametrize("text", ["", "101", "100.1", "5.05", "-1", "5%", "1e1", "half", "even ", "\u0665"])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(InputError, match="is not a share of the requests"):
        traffic.parse(text)


def test_a_load_balancer_that_has_something_else_is_named_with_what_it_says():
    known = Traffic(7, 5.0, 0.0)
    reports: traffic.Reports = {
        "lb1": {"applied": {"greeter": {"buckets": 500, "generation": 7}}, "error": ""},
        "lb2": {"applied": {"greeter": {"buckets": 500, "generation": 6}}},
        "lb3": {"applied": {}, "error": "HAProxy does not answer"},
    }

    assert traffic.late(reports, "greeter", known) == [
        "lb2 has not applied it: it has not followed yet",
        "lb3 has not applied it: HAProxy does not answer",
    ]


def test_what_is_known_of_it_is_said_in_words():
    begun = healthy(advertised(STEPPED))
    stepped = step(begun, 30.0)

    assert shares.note(healthy(advertised(BY_HAND)), []) == ""
    assert shares.note(begun, []) == (
        "canary gets 0 % of the requests, and 1 % after its deploy has ended well"
    )
    assert shares.note(stepped, ["lb2 has not applied it: it has not followed yet"]) == (
        "canary gets 1 % of the requests, and 5 % after a good verdict; "
        "lb2 has not applied it: it has not followed yet"
    )


ODD = [
    b"",
    b"null",
    b"[]",
    b"5",
    b"{",
    b"[1]",
    b'{"applied": "x"}',
    b'{"applied": [1]}',
    b"[" * 100_000,
    None,
]


@given(st.sampled_from(ODD) | st.binary(max_size=20))
def test_whatever_a_load_balancer_reports_it_is_late_or_reports_nothing(value):
    reports = traffic.reports([(traffic.REPORTS + "lb1", value), ("cicd/web/release", b"{")])
    said = traffic.late(reports, "greeter", Traffic(1, 5.0, 0.0))

    assert set(reports) <= {"lb1"}
    assert all(one.startswith("lb1 has not applied it: ") for one in said)
    traffic.shared([(traffic.key("greeter"), value)])


def test_what_cannot_be_read_is_said_with_a_way_out_and_counts_as_a_share():
    reports = traffic.reports([(traffic.REPORTS + "lb1", b'{"applied": "x"}')])

    assert traffic.late(reports, "greeter", Traffic(1, 5.0, 0.0)) == [
        "lb1 has not applied it: its report in Consul is unreadable; cicd-traffic writes it again when it is "
        "restarted"
    ]
    assert traffic.shared([(traffic.key("a"), b"{"), (traffic.key("b"), b'{"buckets": 0}')]) == {"a"}
