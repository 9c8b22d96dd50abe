"""What follows from an alarm: one step back of the ring it is about, soon after a deploy, or nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.alarms import alarm
from cicd.alarms.alarm import (
    ASK,
    FIRING,
    IGNORE,
    RESOLVED,
    ROLL_BACK,
    Alarm,
    AlarmContext,
    Decision,
    RingStart,
)
from cicd.errors import InputError, Refused
from cicd.release import firing, guards, holds, record, transitions
from cicd.release.holds import Hold
from cicd.release.lifecycle import PAIR
from cicd.release.record import Build, Release

WINDOW = 900.0
RINGS = {"web1": "canary", "web2": "production", "web3": "production"}
ERRORS = Alarm("prometheus", "greeter", "web1", "errors", "firing")
BEGUN, ENDED, NOW = 1000.0, 1010.0, 1100.0


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "")


def deployed() -> Release:
    """Version 1 and then 2 were good on both rings; the deploys of 2 ended at ENDED."""
    known = Release("greeter")
    for commits, when in ((1, 0.0), (2, ENDED)):
        known = transitions.advertise_canary(known, build(commits), when)
        known = transitions.confirm(known, "canary", known.ring("canary").generation, when)
        known = transitions.promote(known, when, 0)
        known = transitions.confirm(known, "production", known.ring("production").generation, when)
    return known


def known(found: Release | None = None, **changes) -> AlarmContext:
    began = {"canary": RingStart("advertise_canary", BEGUN), "production": RingStart("promote", BEGUN + 5)}
    windows = dict.fromkeys(PAIR.names, WINDOW)
    return replace(AlarmContext(found or deployed(), RINGS, began, windows), **changes)


def judged(
    what: Alarm = ERRORS, now: float = NOW, found: AlarmContext | None = None, memory=None
) -> Decision:
    return alarm.judge(memory or {}, what, found or known(), now)[1]


def on(ring: str, **changes) -> Release:
    found = deployed()
    return found.with_ring(ring, replace(found.ring(ring), **changes))


@pytest.mark.parametrize("seconds", [200, 3600])
def test_an_alarm_counts_and_an_old_one_does_not_though_the_clock_was_set_back(seconds):
    later = {ring: replace(began, when=began.when + seconds) for ring, began in known().began.items()}
    found = known(began=later)
    old = {"said": "it", "since": later["canary"].when - 60, "heard": NOW, "reason": ""}

    assert judged(found=found).what == ROLL_BACK
    assert judged(found=found, memory={"firing": {ERRORS.key: old}}).what == IGNORE


def test_an_answer_of_a_clock_that_was_set_back_since_holds_no_alarm_off():
    generation = deployed().ring("canary").generation
    answered = {"answered": {"canary": {"generation": generation, "at": NOW + 3600}}}

    assert judged(memory=answered).what == ROLL_BACK


@pytest.mark.parametrize(
    ("what", "ring"),
    [
        ({"host": "web1"}, "canary"),
        ({"host": "web2"}, "production"),
        ({"host": ""}, "production"),
        ({"status": "critical"}, "canary"),
        ({"check": ""}, "canary"),
    ],
)
def test_soon_after_a_deploy_the_ring_that_it_is_about_goes_back(what, ring):
    decision = judged(replace(ERRORS, **what))

    assert (decision.what, decision.ring) == (ROLL_BACK, ring)
    assert decision.generation == deployed().ring(ring).generation
    assert decision.reason == f"{ring} is rolled back from {build(2).version} to {build(1).version}"


@pytest.mark.parametrize(
    ("what", "found", "reason"),
    [
        ({"status": "acknowledged"}, known(), "acknowledged says neither that it fires"),
        ({"status": "resolved"}, known(), "was not known to fire"),
        ({"host": "web9"}, known(), "web9 is not a host of greeter in Consul"),
        ({}, known(windows=dict.fromkeys(PAIR.names, 0.0)), "alarm_window is 0"),
        ({}, known(windows=dict.fromkeys(PAIR.names, 80.0)), "ended more than 80 s ago"),
        ({"host": ""}, known(windows=dict.fromkeys(PAIR.names, 80.0)), "no deploy is recent enough"),
        ({}, known(Release("greeter")), "nothing is deployed to canary"),
        ({"host": ""}, known(Release("greeter"), began={}), "no deploy is recent enough"),
        ({}, known(on("canary", state=record.RESTORING)), "canary is being rolled back already"),
        ({}, known(on("canary", state=record.STOPPED)), "a person decides what happens next"),
        (
            {},
            known(on("canary", ignores_holds=True)),
            "canary was rolled back already, and an alarm rolls it back at most once",
        ),
        (
            {"host": "web2"},
            known(
                on("production", ignores_holds=True), began={"production": RingStart("break_glass", BEGUN)}
            ),
            "production runs a version that someone broke the glass for",
        ),
        (
            {},
            known(replace(deployed(), holds=holds.Holds(excluded={"web1": Hold("ann", "disk", 1.0)}))),
            "web1 is excluded",
        ),
    ],
)
def test_otherwise_nothing_happens_and_the_reason_says_why(what, found, reason):
    decision = judged(replace(ERRORS, **what), found=found)

    assert decision.what == IGNORE
    assert reason in decision.reason


@pytest.mark.parametrize("people", [(), ("ann", "bob")])
def test_where_production_is_not_taken_back_alone_a_person_is_named(people):
    found = known(manual=("production",), people=people)
    decision = judged(replace(ERRORS, host="web2"), found=found)

    assert decision.what == ASK
    assert (
        f"{', '.join(people) or 'a person'} decides: `st2 run cicd.rollback project=greeter ring=production`"
        in decision.reason
    )
    assert judged(found=found).what == ROLL_BACK, "that is about production alone"


def test_a_ring_without_an_earlier_good_version_is_for_a_person():
    first = transitions.advertise_canary(Release("greeter"), build(1), BEGUN)

    assert judged(found=known(first)).what == ASK


def test_a_deploy_under_way_goes_back_however_long_it_takes():
    found = transitions.advertise_canary(deployed(), build(3), ENDED)

    assert judged(now=NOW + 10 * WINDOW, found=known(found)).what == ROLL_BACK


def test_a_canary_that_waits_for_approval_goes_back():
    held = transitions.hold(deployed(), holds.Holds(freeze=Hold("ann", "holidays", 1.0)))

    assert judged(found=known(held)).what == ROLL_BACK


def test_what_fired_before_the_deploy_began_does_nothing_until_it_was_over():
    memory, _, _ = alarm.judge({}, ERRORS, known(windows=dict.fromkeys(PAIR.names, 1.0)), BEGUN - 1)

    memory, before, _ = alarm.judge(memory, ERRORS, known(), NOW)
    memory, over, _ = alarm.judge(memory, replace(ERRORS, status="ok"), known(), NOW + 1)
    _, again, _ = alarm.judge(memory, ERRORS, known(), NOW + 2)

    assert "it fired already before 1.0-2.0000002 was deployed to canary" in before.reason
    assert over.reason == "it is over"
    assert again.what == ROLL_BACK


def test_ten_times_the_same_alarm_or_ten_alarms_of_one_ring_act_once():
    for sent in (10 * [ERRORS], [replace(ERRORS, check=f"check {number}") for number in range(10)]):
        memory, decisions = {}, []
        for number, one in enumerate(sent):
            memory, decision, is_new = alarm.judge(memory, one, known(), NOW + number)
            decisions.append((decision.what, is_new))

        assert [what for what, _ in decisions] == [ROLL_BACK, *9 * [IGNORE]]
        assert decisions[:2] == [(ROLL_BACK, True), (IGNORE, True)]


def test_what_is_said_again_with_the_same_outcome_is_not_new():
    found = known(on("canary", ignores_holds=True))
    memory, _, first = alarm.judge({}, ERRORS, found, NOW)
    memory, _, second = alarm.judge(memory, ERRORS, found, NOW + 60)

    assert (first, second) == (True, False)


def test_a_rollback_that_died_before_it_changed_anything_is_asked_for_again():
    memory, _, _ = alarm.judge({}, ERRORS, known(), NOW)

    assert judged(now=NOW + alarm.AGAIN_SECONDS - 1, memory=memory).what == IGNORE
    assert judged(now=NOW + alarm.AGAIN_SECONDS, memory=memory).what == ROLL_BACK


def test_no_more_alarms_are_remembered_than_are_kept_and_old_ones_make_room():
    memory: dict = {}
    found = known(windows=dict.fromkeys(PAIR.names, 0.0))
    for number in range(firing.KEPT + 5):
        one = replace(ERRORS, check=f"check {number}")
        memory, decision, _ = alarm.judge(memory, one, found, NOW)

    assert len(memory["firing"]) == firing.KEPT
    assert "200 alarms of greeter fire already" in decision.reason
    assert judged(one, memory=memory).what == IGNORE, "it cannot be told from one that fired before"
    later = alarm.judge(memory, one, found, NOW + firing.FORGOTTEN_SECONDS)[0]
    assert list(later["firing"]) == [one.key]


def test_an_alarm_about_what_moved_on_changes_nothing():
    with pytest.raises(Refused, match="moved on while an alarm"):
        guards.refuse_moved(deployed(), "canary", deployed().ring("canary").generation - 1)


GIVEN = {"project": "greeter", "host": "web1", "check": "HTTP 5xx", "status": "FIRING", "source": "grafana"}


def test_an_alarm_is_read_and_says_itself_in_words():
    read = alarm.parse(GIVEN)

    assert read.status == "firing"
    assert read.said == "HTTP 5xx on web1 (grafana)"
    assert alarm.parse({**GIVEN, "host": "", "check": None}).said == "an alarm (grafana)"


HOSTILE = [
    "{{ config_context }}",
    "<% ctx() %>",
    "$(id)",
    "a;b",
    "a\nb",
    "web1\n",
    "\u202e",
    "x" * 300,
    7,
    {},
    ["a"],
]


@pytest.mark.parametrize("field", GIVEN)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_field_of_another_form_is_refused(field, value):
    if field in ("host", "check") and not value:
        return
    with pytest.raises(InputError, match=f"is not a valid {field}"):
        alarm.parse({**GIVEN, field: value})


PRINTED = "az09AZ ./:_-{}<>%#$`;\n\u202e"


@given(st.dictionaries(st.sampled_from(sorted(GIVEN)), st.text(PRINTED) | st.integers() | st.none()))
def test_whatever_comes_is_refused_or_says_nothing_that_is_evaluated(given_fields):
    try:
        read = alarm.parse({**GIVEN, **given_fields})
    except InputError:
        return
    # Nothing that is evaluated begins otherwise; `>` and `%` are in names such as `5xx > 1 %`.
    assert not set("{}<$`;\n") & set(read.said + read.project + read.status)


EVENTS = st.tuples(
    st.sampled_from([*3 * ["alarm"], "push", *3 * ["confirm"], "promote", "wait", "rollback"]),
    st.sampled_from(["web1", "web2", "", "web9"]),
    st.sampled_from(["errors", "latency"]),
    st.sampled_from([*2 * sorted(FIRING), *sorted(RESOLVED), "acknowledged"]),
    st.sampled_from([1.0, 100.0, 1000.0]),
)


class World:
    """A release that people change while alarms come: what an alarm may do is held at each one."""

    def __init__(self) -> None:
        self.release, self.memory, self.now, self.newest = Release("greeter"), {}, 10_000.0, 0
        self.began: dict[str, RingStart] = {}
        self.firing: dict[str, float] = {}

    def known(self) -> AlarmContext:
        return AlarmContext(self.release, RINGS, self.began, dict.fromkeys(PAIR.names, WINDOW))

    def change(self, what: str, ring: str, command) -> None:
        try:
            after = command(self.release)
        except Refused:
            return
        if after.ring(ring).generation != self.release.ring(ring).generation:
            self.began[ring] = RingStart(what, self.now)
        self.release = after

    def step(self, what: str, host: str, check: str, status: str, seconds: float) -> None:
        ring = RINGS.get(host, "canary")
        if what == "wait":
            self.now += seconds
        elif what == "push":
            self.newest += 1
            self.change(
                what, "canary", lambda r: transitions.advertise_canary(r, build(self.newest), self.now)
            )
        elif what == "confirm":
            generation = self.release.ring(ring).generation
            self.change(what, ring, lambda r: transitions.confirm(r, ring, generation, self.now))
        elif what == "promote":
            self.change(what, "production", lambda r: transitions.promote(r, self.now, 0))
        elif what == "rollback":
            self.change("roll_back", ring, lambda r: transitions.roll_back(r, ring, self.now))
        else:
            self.alarm(Alarm("prometheus", "greeter", host, check, status))

    def alarm(self, one: Alarm) -> None:
        since = self.firing.get(one.key)
        if one.status in RESOLVED:
            self.firing.pop(one.key, None)
        elif one.status in FIRING:
            since = self.firing.setdefault(one.key, self.now)
        self.memory, decision, _ = alarm.judge(self.memory, one, self.known(), self.now)
        assert decision.reason
        if decision.what != ROLL_BACK:
            return
        current = self.release.ring(decision.ring)
        assert one.status in FIRING
        assert decision.ring == RINGS.get(one.host, decision.ring)
        assert one.host != "web9"
        assert since is not None
        assert since >= self.began[decision.ring].when, "it fired before the deploy began"
        assert not current.ignores_holds, "an alarm goes back once"
        assert current.state == record.DEPLOYING or self.now - current.since <= WINDOW
        self.change("roll_back", decision.ring, self.rolled_back(decision))
        assert self.release.ring(decision.ring).generation != decision.generation
        again = alarm.judge(self.memory, one, self.known(), self.now)[1]
        assert again.what != ROLL_BACK, "the same alarm acts once"

    def rolled_back(self, decision: Decision):
        return lambda r: transitions.roll_back(r, decision.ring, self.now, automatic=True)


@given(st.lists(EVENTS, min_size=20, max_size=60))
def test_whatever_happens_an_alarm_goes_one_step_back_from_what_it_is_about(events):
    world = World()
    for event in events:
        world.step(*event)
        assert len(world.memory.get("firing", {})) <= firing.KEPT


def test_the_absence_of_a_host_that_is_drained_takes_nothing_back_and_counts_once_it_is_back():
    down = replace(ERRORS, check="InstanceDown")
    memory, decision, is_new = alarm.judge({}, down, known(drained={"web1"}), NOW)

    assert (decision.what, is_new) == (IGNORE, True)
    assert decision.reason == "web1 is out of traffic to be updated, so it may be absent"
    assert alarm.judge(memory, down, known(), NOW + 30)[1].what == ROLL_BACK
    assert judged(ERRORS, found=known(drained={"web1"})).what == ROLL_BACK, "errors are no absence"
    assert judged(replace(ERRORS, status="down"), found=known(drained={"web1"})).what == IGNORE


def test_the_absence_of_a_host_that_is_back_already_takes_nothing_back_but_what_else_is_wrong_does():
    down = replace(ERRORS, check="InstanceDown")
    found = known(returned={"web1"})

    assert (
        judged(down, found=found).reason
        == "web1 was updated a moment ago, and Consul reports it as healthy now"
    )
    assert judged(ERRORS, found=found).what == ROLL_BACK
    assert judged(down, found=known(returned={"web2"})).what == ROLL_BACK


def test_an_answer_to_what_else_is_wrong_with_a_deploy_needs_no_recent_one():
    later = NOW + 10 * WINDOW

    assert judged(now=later).what == IGNORE
    assert alarm.answer(known(), "canary", later).what == ROLL_BACK
    assert alarm.answer(known(manual=("production",)), "production", later).what == ASK
    assert alarm.answer(known(on("canary", ignores_holds=True)), "canary", later).what == IGNORE
