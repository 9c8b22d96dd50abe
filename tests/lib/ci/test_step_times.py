"""How long each of the 19 steps took."""

from dataclasses import replace

import pytest

from cicd.ci import progress, run, step_times
from cicd.ci.run import Run
from cicd.ci.run_step import RecordedStep
from cicd.ci.runs import Runs
from cicd.ci.step_times import NAMES, NUMBERS, StepTime
from cicd.errors import Refused
from cicd.store.store import Store
from tests.lib.consul_settings import settings

COMMIT = "c" * 40


def walked(*actions: tuple[str, float, float, bool]) -> step_times.Times:
    times: step_times.Times = {}
    for action, began, ended, is_later_ring in actions:
        times = step_times.acted(times, action, step_times.between(began, ended, action), is_later_ring)
    return times


CANARY = (("advertise canary", 10.0, 12.0, False), ("find hosts", 12.0, 13.0, False))
CANARY += (("update hosts", 13.0, 40.0, False), ("confirm ring", 40.0, 42.0, False))
PRODUCTION = (("promote canary", 100.0, 103.0, False), ("find hosts", 103.0, 104.0, True))
PRODUCTION += (("update hosts", 104.0, 140.0, True), ("confirm ring", 140.0, 141.0, True))


def test_there_are_19_steps_and_each_action_is_one_of_them():
    assert len(NAMES) == step_times.LAST
    assert all(1 <= number <= step_times.LAST for number in NUMBERS.values())
    assert {*progress.PACKAGING} <= {*NUMBERS}


def test_several_actions_are_one_step_whose_link_is_the_longest_of_them():
    assert walked(*CANARY)[15] == StepTime(13.0, 29.0, "update hosts")
    assert walked(*CANARY, *PRODUCTION)[19] == StepTime(103.0, 38.0, "update hosts")


def test_a_promotion_ends_the_bake_which_began_when_the_canary_was_good():
    times = walked(*CANARY, *PRODUCTION)

    assert times[16] == StepTime(42.0, 58.0, "")
    assert times[17].began == 100.0
    assert times[18] == StepTime(100.0, 3.0, "promote canary")
    assert sorted(times) == [13, 14, 15, 16, 17, 18, 19]


def test_a_promotion_to_a_further_ring_does_not_count_as_bake_again():
    again = [(action, began + 1000, ended + 1000, later) for action, began, ended, later in PRODUCTION]

    times = walked(*CANARY, *PRODUCTION, *again)

    assert times[16].seconds == 58.0
    assert times[19] == StepTime(1103.0, 38.0, "update hosts")


def test_a_step_that_is_done_again_forgets_what_came_after_it_before():
    times = walked(*CANARY, *PRODUCTION, ("find build host", 200.0, 201.0, False))

    assert sorted(times) == [7]


def test_the_time_of_a_promotion_without_a_known_canary_is_its_own():
    assert sorted(walked(*PRODUCTION)) == [17, 18, 19]


def test_packaging_is_as_long_as_its_parts():
    times = walked(("find build host", 1.0, 2.0, False), ("fetch commit", 3.0, 9.5, False))

    assert step_times.all_of(times)[6] == StepTime(1.0, 8.5, "")
    assert step_times.all_of({}) == {}


def test_a_clock_that_was_set_back_makes_no_negative_time():
    assert step_times.between(10.0, 5.0).seconds == 0


def test_the_stages_of_ci_are_steps_and_jenkins_says_when_its_build_ended():
    opened = run.accept(10.0, None, "ann", "main", True, "e1")(None)
    started = run.start(20.0, 1)(opened)
    building = run.queue(21.0, 7, "e3")(started)

    passed = run.succeed(60.0, 7, "e5", ended=58.0)(building)

    assert passed.times == {
        2: StepTime(10.0, 0.0, "e1"),
        3: StepTime(10.0, 11.0, "e3"),
        4: StepTime(21.0, 37.0, ""),
        5: StepTime(58.0, 2.0, "e5"),
    }
    assert run.fail(50.0, 7, "FAILURE")(building).times[4] == StepTime(21.0, 29.0, "")


def test_times_come_back_as_they_were_stored_and_a_run_of_before_has_none():
    known = Run(run.PASSED, 1.0, times=walked(*CANARY))
    stored = run.as_json(known)

    assert run.parse("k", stored) == known
    assert "times" not in run.as_json(Run(run.PASSED, 1.0))
    assert len(str(run.as_json(replace(known, times=dict.fromkeys(range(2, 20), known.times[15]))))) < 2000


@pytest.fixture
def store(consul: str) -> Store:
    made = Store(settings(consul))
    made.put(run.key("greeter", COMMIT), run.as_json(Run(run.PASSED, 1.0)))
    return made


def test_a_step_leaves_its_time_whether_it_succeeds_or_fails(store, monkeypatch):
    monkeypatch.setenv("ST2_ACTION_EXECUTION_ID", "e1")

    def fails() -> dict[str, object]:
        raise Refused("No.", "Look.")

    RecordedStep(store, "greeter", COMMIT, "fetch commit").record(lambda: {})
    with pytest.raises(Refused):
        RecordedStep(store, "greeter", COMMIT, "read metadata").record(fails)

    known = Runs(store, "greeter").find(COMMIT)
    assert {number: time.execution for number, time in known.times.items()} == {8: "e1", 9: "e1"}
    assert known.stop.step == "read metadata"
