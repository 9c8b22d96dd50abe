"""A run moves between stages as one table says, and is stored as it always was."""

import json
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.ci import run
from cicd.ci.run import ACCEPTED, PASSED, SUPERSEDED, TRANSITIONS, Before, Command, Run, Stage
from cicd.ci.step_times import StepTime
from cicd.errors import ConsulError
from cicd.release.stop import Stop

NOW, NEWER = 1000.0, "b" * 40
KEY = run.key("greeter", "a" * 40)
STAGES: tuple[Before, ...] = (None, *get_args(Stage))
COMMANDS: dict[str, list[Command]] = {
    "accept": [run.accept(NOW, seen, "ann", "main", True) for seen in STAGES],
    "wait": [run.wait(NOW)],
    "start": [run.start(NOW, 3)],
    "queue": [run.queue(NOW, 7)],
    "put_back": [run.put_back(NOW)],
    "refuse": [run.refuse(NOW)],
    "lose": [run.lose(NOW)],
    "succeed": [run.succeed(NOW, 7, "e1")],
    "come_late": [run.come_late(NOW, 7, "e1", NEWER)],
    "fail": [run.fail(NOW, 7, "FAILURE")],
    "supersede": [run.supersede(NOW, NEWER)],
}
TRIED = [(name, command) for name, commands in COMMANDS.items() for command in commands]


def at(stage: Before) -> Run | None:
    return Run(stage, 1.0, "ann", "main") if stage else None


def moves() -> set[tuple[Before, Stage]]:
    """Return every move that is made, tried from each stage."""
    made = {(stage, run.stage(command(at(stage)))) for stage in STAGES for _, command in TRIED}
    return {(before, after) for before, after in made if after}


@given(st.sampled_from(STAGES), st.lists(st.sampled_from(TRIED), max_size=30))
def test_no_sequence_of_events_moves_a_run_but_as_the_table_says(stage, events):
    known = at(stage)
    for name, command in events:
        after = command(known)
        leaving, to = TRANSITIONS[name]
        if after is None:
            continue
        assert run.stage(known) in leaving
        assert (after.stage, after.at) == (to, NOW)
        assert run.parse(KEY, json.loads(json.dumps(run.as_json(after)))) == after
        known = after


def test_every_move_of_the_table_is_made():
    listed = {(before, to) for leaving, to in TRANSITIONS.values() for before in leaving}

    assert moves() == listed


def test_a_run_begins_with_a_push_and_ends_for_good_unless_ci_or_a_push_says_otherwise():
    made = moves()

    assert {after for before, after in made if before is None} == {ACCEPTED}
    assert {after for before, after in made if before in (PASSED, SUPERSEDED)} == {ACCEPTED}
    assert {after for before, after in made if before == "failed"} == {ACCEPTED, PASSED, SUPERSEDED}


def test_a_push_opens_no_run_that_moved_since_it_was_looked_at():
    assert run.accept(NOW, "failed", "ann", "main", True)(at("passed")) is None


def test_a_run_that_is_opened_again_forgets_its_build_and_keeps_what_it_published():
    times = {2: StepTime(1.0, 0.0), 7: StepTime(5.0, 1.0)}
    ended = Run(SUPERSEDED, 1.0, "ann", "main", True, 7, 9, 1, "LOST", NEWER, version="1.0", times=times)

    again = run.accept(NOW, SUPERSEDED, "ben", "main", False)(ended)

    assert again == Run(ACCEPTED, NOW, "ben", "main", False, version="1.0", times={2: StepTime(NOW, 0.0)})


def test_a_build_that_is_queued_has_no_number_yet():
    queued = run.queue(NOW, 9)(Run("starting", 1.0, build=7, queue_id=8))

    assert queued
    assert (queued.build, queued.queue_id) == (0, 9)


def test_a_new_run_is_stored_with_the_keys_that_the_first_pack_wrote_and_the_time_of_its_first_step():
    opened = run.accept(NOW, None, "ann", "main", True)(None)

    assert opened
    assert run.as_json(opened) == {
        "stage": "accepted",
        "at": NOW,
        "user": "ann",
        "branch": "main",
        "deploy": True,
        "build": 0,
        "queue_id": 0,
        "lost": 0,
        "status": "",
        "by": "",
        "times": {"2": [NOW, 0.0, ""]},
    }


def test_that_a_step_was_stopped_by_nothing_is_stored():
    stored = run.as_json(Run(PASSED, NOW, step="build package", step_at=NOW))

    assert stored["stop"] is None
    assert "version" not in stored


def test_what_a_newer_pack_recorded_is_kept():
    known = run.parse(KEY, {"stage": "passed", "at": 1, "colour": "red"})

    assert run.as_json(replace(known, stop=Stop("CI", "it failed.")))["colour"] == "red"


@pytest.mark.parametrize(
    "document", [{}, {"stage": "lost", "at": 1.0}, {"stage": "passed"}, {"stage": "passed", "at": "noon"}]
)
def test_what_is_no_run_is_said_with_its_key_and_what_to_do(document):
    with pytest.raises(ConsulError, match="is unreadable") as error:
        run.parse(KEY, document)

    assert KEY in error.value.message
    assert error.value.hint.endswith(f"consul kv delete {KEY}")


def test_a_moment_far_ahead_counts_as_now_and_a_near_one_as_it_is():
    assert run.not_ahead(Run(PASSED, NOW + 1000), NOW).at == NOW
    assert run.not_ahead(Run(PASSED, NOW + 5), NOW).at == NOW + 5
