"""The machine's clock is set back: what waits does not wait longer for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from st2local import clock
from st2local.engine import scheduler
from st2local.engine.execution import Execution
from st2local.engine.scheduler import Scheduler
from st2local.engine.timers import CRON, INTERVAL, Timer, schedule

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALL_WAITS = 20.0


@pytest.mark.parametrize(
    ("kind", "parameters", "due"),
    [
        (INTERVAL, {"unit": "minutes", "delta": 1}, NOON + timedelta(minutes=1)),
        (CRON, {"second": 30}, NOON + timedelta(seconds=30)),
    ],
)
def test_a_timer_is_due_after_its_own_time_though_the_clock_was_set_back(kind, parameters, due):
    following = schedule(kind, parameters)
    timer = Timer({}, following, following(NOON + timedelta(hours=3)))

    timer.keep_near(NOON)

    assert timer.due == due


def test_a_timer_that_is_due_stays_so():
    following = schedule(INTERVAL, {"unit": "minutes", "delta": 1})
    timer = Timer({}, following, NOON)

    timer.keep_near(NOON + timedelta(seconds=20))

    assert timer.due == NOON


@pytest.mark.parametrize("is_restarted", [False, True])
def test_an_execution_that_waits_begins_though_the_clock_was_set_back(monkeypatch, is_restarted):
    begun = threading.Event()
    waiting = Execution("core.noop", "noop", "core", {}, {}, due=clock.later(0.2))
    known = SimpleNamespace(get=lambda identifier: waiting, save=lambda execution: None)
    scheduled = Scheduler(known, lambda identifier: begun.set())
    if not is_restarted:
        scheduled.submit(waiting)
    monkeypatch.setattr(scheduler.clock, "seconds_since", lambda text: -3600.0)
    monkeypatch.setattr(scheduler.clock, "now", lambda: "2000-01-01T00:00:00.000000Z")

    scheduled.start([waiting] if is_restarted else [])
    try:
        assert begun.wait(ALL_WAITS)
    finally:
        scheduled.stop()
