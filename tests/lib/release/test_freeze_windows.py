"""Freeze windows follow the wall clock of their zone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import ConfigError, Refused
from cicd.release import freeze_windows, transitions
from cicd.release.transitions import Build, Release

WEEKEND = {"from": "0 17 * * FRI", "until": "0 8 * * MON", "zone": "Europe/Berlin", "reason": "weekend"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def opened(when: str, **changes: str):
    return freeze_windows.opened(freeze_windows.parse([{**WEEKEND, **changes}], "x"), at(when))


@pytest.mark.parametrize(
    ("when", "frozen"),
    [
        ("2026-11-27T15:59:59", False),
        ("2026-11-27T16:00:00", True),  # 17:00 in Berlin, winter
        ("2026-11-30T06:59:59", True),
        ("2026-11-30T07:00:00", False),
        ("2026-07-03T14:59:59", False),
        ("2026-07-03T15:00:00", True),  # 17:00 in Berlin, summer
        ("2026-03-30T05:59:59", True),  # the clocks went forward inside the window
        ("2026-03-30T06:00:00", False),
    ],
)
def test_a_window_begins_and_ends_by_the_clock_on_the_wall(when, frozen):
    assert bool(opened(when)) == frozen


def test_an_open_window_says_why_and_until_when():
    assert opened("2026-11-28T12:00") == freeze_windows.Opened("weekend", "2026-11-30 08:00 Europe/Berlin")


def test_a_window_over_the_turn_of_the_year_is_open_on_both_sides():
    days = ("2026-12-19", "2026-12-25", "2027-01-01", "2027-01-03")
    year = {"from": "0 0 20 12 *", "until": "0 0 2 1 *"}

    assert [bool(opened(day, **year)) for day in days] == [
        False, True, True, False,
    ]  # fmt: skip


def test_of_several_open_windows_the_one_that_ends_last_counts():
    both = freeze_windows.parse([WEEKEND, {**WEEKEND, "until": "0 8 * * TUE", "reason": "long weekend"}], "x")

    assert freeze_windows.opened(both, at("2026-11-28T12:00")).reason == "long weekend"


@given(st.integers(0, 4_000_000_000))
def test_frozen_and_open_take_turns_without_a_gap(when):
    other = {**WEEKEND, "from": WEEKEND["until"], "until": WEEKEND["from"]}
    found = [freeze_windows.opened(freeze_windows.parse([window], "x"), when) for window in (WEEKEND, other)]

    assert sum(bool(window) for window in found) == 1


@pytest.mark.parametrize(
    "value",
    [
        "weekend", {}, {**WEEKEND, "zone": "Nowhere/Land"}, {**WEEKEND, "zone": "../../etc/passwd"},
        {**WEEKEND, "from": "every friday"}, {**WEEKEND, "until": "0 0 31 2 *"}, {**WEEKEND, "hours": "3"},
        {**WEEKEND, "reason": None},
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_read_means_stop(value):
    with pytest.raises(ConfigError, match=r"freeze_windows\[0\] is unreadable"):
        freeze_windows.parse([value], "freeze_windows")


def test_a_window_stops_promotions_only():
    build = Build("1.0-1.0000001", "greeter", "1" * 40, "0" * 64, "")
    window = freeze_windows.Opened("weekend", "Monday")
    state = transitions.advertise_canary(Release("greeter", windows={"production": window}), build, 0)
    state = transitions.confirm(state, "canary", state.ring("canary").generation, 0)

    with pytest.raises(Refused, match="in a freeze window until Monday: weekend"):
        transitions.promote(state, 1, 0)
    assert transitions.held(state, "production") == "freeze"
    assert transitions.held(state, "canary") == ""
