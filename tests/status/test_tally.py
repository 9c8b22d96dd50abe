"""What the history counts up to, however often it is counted."""

from datetime import UTC, datetime

import pytest
import requests

from cicd.release import transitions
from cicd.release.stored import HistoryEntry
from cicd.store.store import Store
from status import tally
from status.counts import Counts
from status.tally import Tally
from tests.lib.consul_settings import settings
from tests.lib.reports.test_status_text import build
from tests.lib.store.test_store import CAUSE

SINCE = 1000.0


def entry(generation: int, what: str, when: float, ring: str = "canary") -> HistoryEntry:
    return {"generation": generation, "what": what, "when": SINCE + when, "ring": ring, "to": "1.0"}  # type: ignore[typeddict-item]


def counted(*entries: HistoryEntry, committed: float = 0.0) -> tally.RingTally:
    found = Tally(SINCE)
    for one in entries:
        found.add(one, committed)
    return found.ring("canary")


def test_a_deploy_counts_once_by_its_first_end_with_its_time():
    ring = counted(
        entry(1, "advertise_canary", 0),
        entry(2, "degrade", 40),
        entry(3, "confirm", 90),
        committed=SINCE - 100,
    )

    assert ring.outcomes == {"degraded": 1}
    assert (ring.durations.count, ring.durations.sum) == (1, 40)
    assert (ring.durations.below[30], ring.durations.below[60]) == (0, 1)
    assert ring.lead_times.sum == 140


def test_a_deploy_that_went_back_failed_and_the_way_back_is_no_deploy():
    ring = counted(entry(1, "advertise_canary", 0), entry(2, "restore", 40), entry(3, "confirm", 90))

    assert ring.outcomes == {"failed": 1}
    assert ring.durations.count == 0


def test_a_rollback_is_no_deploy_and_ends_the_one_that_it_overtook():
    ring = counted(entry(1, "advertise_canary", 0), entry(2, "roll_back", 4), entry(3, "confirm", 9))

    assert (ring.rollbacks, dict(ring.outcomes)) == (1, {})


def test_what_was_before_the_month_does_not_count_nor_does_its_end():
    assert counted(entry(1, "advertise_canary", -5), entry(2, "confirm", 5)).outcomes == {}


def test_a_change_without_a_deploy_counts_nothing():
    assert counted(entry(1, "lock", 1), entry(2, "confirm", 2)).outcomes == {}


def test_a_month_begins_in_utc():
    assert (
        tally.month(datetime(2026, 11, 29, 23, 59, tzinfo=UTC).timestamp())
        == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    )


@pytest.fixture
def store(consul: str) -> Store:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return Store(settings(consul))


def deploy(store: Store, times: int) -> int:
    def change(what, decide):
        return store.change("greeter", what, "canary", CAUSE, decide).generation

    for number in range(times):
        begun = change(
            "advertise_canary", lambda r, n=number: transitions.advertise_canary(r, build(n + 1), CAUSE.when)
        )
        newest = change("confirm", lambda r, g=begun: transitions.confirm(r, "canary", g, CAUSE.when))
    return newest


@pytest.mark.parametrize("times", [3, 60], ids=["as-keys", "more-than-are-read-at-once"])
def test_who_counts_anew_finds_what_was_counted_on_the_way(store, consul, times):
    going, now = Counts(settings(consul)), CAUSE.when
    first = going.follow("greeter", deploy(store, 1), now).ring("canary").outcomes["good"]
    last = deploy(store, times)

    assert first == 1
    assert going.follow("greeter", last, now).ring("canary").outcomes["good"] == times + 1
    assert (
        Counts(settings(consul)).follow("greeter", last, now).rings
        == going.follow("greeter", last, now).rings
    )


def test_a_new_month_begins_at_nothing(store, consul):
    counts, last = Counts(settings(consul)), deploy(store, 1)
    counts.follow("greeter", last, CAUSE.when)

    assert counts.follow("greeter", last, CAUSE.when + 32 * 86400).rings == {}


def test_history_that_was_folded_counts_as_well(store, consul):
    last = deploy(store, 3)
    changes = store.changes("greeter")
    changes.fold(changes.alone())

    assert Counts(settings(consul)).follow("greeter", last, CAUSE.when).ring("canary").outcomes["good"] == 3
