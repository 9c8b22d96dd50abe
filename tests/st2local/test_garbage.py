"""What ended long ago goes, with everything under it; what has not ended stays, and the file stays small."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bench import year
from bench.year import day, st2_deploy
from st2local.database import SCHEMA, Database
from st2local.engine import statuses
from st2local.engine.garbage import Garbage

TABLES = (
    *("executions", "workflows", "tasks", "output"),
    *("trigger_instances", "enforcements", "trace_components", "traces"),
)


def counts(database: Database) -> dict[str, int]:
    return {table: database.value(f"SELECT count(*) FROM {table}") for table in TABLES}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "st2local.sqlite")


def test_what_ended_before_goes_with_everything_under_it(database):
    st2_deploy(database, "new", day(0))
    left = counts(database)
    for number in range(120):
        st2_deploy(database, f"old{number}", day(-20))

    Garbage(database, 14).collect(day(-14))

    assert counts(database) == left


@pytest.mark.parametrize("status", sorted(set(statuses.EVERY) - set(statuses.COMPLETED)))
def test_what_has_not_ended_stays_however_old_it_is(database, status):
    st2_deploy(database, "long", day(-100), status)

    Garbage(database, 14).collect(day(-14))

    assert database.value("SELECT count(*) FROM executions") == 4
    assert database.value("SELECT count(*) FROM trace_components") == 4
    assert [
        database.value(f"SELECT count(*) FROM {table}") for table in ("workflows", "tasks", "traces")
    ] == [1] * 3


def test_what_ended_but_was_not_followed_up_stays(database):
    st2_deploy(database, "ended", day(-100), handled=0)

    Garbage(database, 14).collect(day(-14))

    assert database.value("SELECT count(*) FROM executions") == 4


def test_an_event_that_waits_for_its_rules_stays(database):
    database.insert("trigger_instances", {"id": "a", "status": "pending", "occurrence_time": day(-100)})

    Garbage(database, 14).collect(day(-14))

    assert database.value("SELECT count(*) FROM trigger_instances") == 1


def test_many_days_of_deploys_leave_a_file_no_larger_than_the_days_that_are_kept(database):
    most, allowed = year.st2local_file(database, days=40, kept=5, per_day=2)

    assert most < allowed


def test_a_file_of_a_former_version_gives_its_room_back(tmp_path):
    path = tmp_path / "st2local.sqlite"
    with sqlite3.connect(path) as former:
        former.executescript(SCHEMA)
    database = Database(path)
    for number in range(100):
        st2_deploy(database, f"old{number}", day(-20))
    before = path.stat().st_size

    Garbage(database, 14).collect(day(-14))

    assert path.stat().st_size < before / 4


def test_with_no_days_nothing_goes(database):
    st2_deploy(database, "old", day(-9000))
    garbage = Garbage(database, 0)
    garbage.start()
    garbage.stop()

    assert database.value("SELECT count(*) FROM executions") == 4
