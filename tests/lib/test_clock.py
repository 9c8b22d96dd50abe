"""Moments of a clock that was set back since."""

import time

from cicd import clock
from cicd.clock import SKEW_SECONDS, Sightings, is_ahead


def test_a_moment_that_is_to_come_counts_as_when_it_was_first_seen_and_grows_old(monkeypatch):
    seen, now, ticks = Sightings(), time.time(), [100.0]
    monkeypatch.setattr(clock.time, "time", lambda: now + ticks[0] - 100.0)
    monkeypatch.setattr(clock.time, "monotonic", lambda: ticks[0])
    first = seen.bound("greeter/canary", now + 3600)
    ticks[0] += 50

    assert first == seen.bound("greeter/canary", now + 3600) == now
    assert seen.bound("greeter/canary", now + 7200) == now + 50
    assert seen.bound("greeter/production", now - 5) == now - 5


def test_a_moment_that_was_seen_before_the_clock_was_set_back_grows_no_younger(monkeypatch):
    seen, now = Sightings(), 1_000_000.0
    times = {"time": now, "monotonic": 100.0}
    for name in times:
        monkeypatch.setattr(clock.time, name, lambda name=name: times[name])
    assert seen.bound("greeter/canary", now) == now
    times.update(time=now - 3600 + 40, monotonic=140.0)

    assert times["time"] - seen.bound("greeter/canary", now) == 40


def test_a_wait_that_is_longer_than_any_is_over():
    waits = [is_ahead(until, 100.0, 60.0) for until in (0, 100, 130, 160, 160 + SKEW_SECONDS + 1)]

    assert waits == [False, False, True, True, False]


def test_a_wait_that_a_worker_whose_clock_is_a_bit_ahead_wrote_goes_on():
    assert is_ahead(100.0 + 60.0 + 1.0, 100.0, 60.0)
