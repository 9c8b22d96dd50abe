"""Where the run of a commit is, of the 19 steps."""

from dataclasses import replace

import pytest

from cicd.ci import progress, run, step_times
from cicd.ci.run import Run
from cicd.ci.step_times import StepTime
from cicd.release import transitions
from cicd.release.stop import Stop
from cicd.release.transitions import Release
from status import steps
from tests.lib.reports.test_status_text import build, canary, promoted

VERSION = build(1).version
PASSED = Run(run.PASSED, 1.0, version=VERSION)


def at(release: Release, known: Run, ended: Stop | None = None) -> tuple[int, str]:
    found = steps.of(release, known, ended)
    return found.number, found.state


@pytest.mark.parametrize("stage", sorted(run.OPEN | run.ENDED, key=str))
def test_every_stage_of_a_run_has_a_step(stage):
    number, state = at(Release("greeter"), Run(stage, 1.0))

    assert 1 <= number <= len(step_times.NAMES) == 19
    assert state


def test_a_failed_build_stopped_at_its_step_and_says_how():
    assert steps.of(Release("greeter"), Run(run.FAILED, 1.0, status="FAILURE"), None) == (
        4,
        steps.FAILED,
        "CI: FAILURE",
    )


def test_a_run_that_stopped_while_it_was_packaged_stopped_at_that_step():
    known = Run(run.PASSED, 1.0, step="build package")

    assert at(Release("greeter"), known) == (10, steps.ACTIVE)
    assert at(Release("greeter"), known, Stop("build package", "no space", when=1.0)) == (10, steps.FAILED)


@pytest.mark.parametrize("step", progress.PACKAGING)
def test_every_step_of_packaging_has_a_number_of_its_own_part(step):
    assert 7 <= at(Release("greeter"), Run(run.PASSED, 1.0, step=step))[0] <= 11


def test_a_version_is_updated_bakes_and_arrives():
    wanted = transitions.advertise_canary(Release("greeter"), build(1), 1.0)

    assert at(wanted, PASSED) == (15, steps.ACTIVE)
    assert at(canary(1), PASSED) == (16, steps.WAITING)
    assert at(transitions.promote(canary(1), 1.0, 0), PASSED) == (19, steps.ACTIVE)
    assert at(promoted(1), PASSED) == (19, steps.DONE)


def test_a_version_that_another_one_replaced_on_the_canary_is_where_it_still_runs():
    replaced = canary(2, 5.0, promoted(1))

    assert at(replaced, PASSED) == (19, steps.DONE)


def timed(*numbers: int, **more) -> Run:
    return replace(PASSED, times={number: StepTime(float(number), 1.0) for number in numbers}, **more)


def test_a_version_that_was_replaced_is_where_it_came_to():
    elsewhere = promoted(2)

    assert at(elsewhere, timed(13, 14, 15, 19)) == (19, steps.DONE)
    assert at(elsewhere, timed(13, 14, 15)) == (15, steps.OVER)


def test_a_version_that_was_taken_back_stopped_at_the_update_of_its_ring():
    known, elsewhere = timed(13, 14, 15, step=progress.ADVERTISE), promoted(2)

    assert at(elsewhere, known, Stop("canary: update hosts", "no", when=1.0)) == (15, steps.FAILED)
    assert at(elsewhere, known, Stop("production: update hosts", "no", when=1.0)) == (19, steps.FAILED)
