"""When a CronTimer is due: fields as APScheduler, which StackStorm uses, understands them."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
_RANGES = {
    "year": (1970, 9999), "month": (1, 12), "day": (1, 31), "week": (1, 53), "day_of_week": (0, 6),
    "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
_SMALLEST = {
    "year": 1,
    "month": 1,
    "day": "*",
    "week": "*",
    "day_of_week": "*",
    "hour": 0,
    "minute": 0,
    "second": 0,
}
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTHS = [name.lower() for name in calendar.month_abbr[1:]]
_PART = re.compile(r"^(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?$")


class Cron:
    """A schedule; a field left out is `*` before the first one given, and its smallest value after."""

    def __init__(self, fields: dict[str, Any], zone: ZoneInfo) -> None:
        """Read the fields; raises ValueError."""
        self._zone = zone
        given = [name for name in FIELDS if fields.get(name) is not None]
        last = max((FIELDS.index(name) for name in given), default=len(FIELDS))
        self._wanted: dict[str, set[int] | None] = {}
        for index, name in enumerate(FIELDS):
            value = fields.get(name)
            default = "*" if index < last else _SMALLEST[name]
            self._wanted[name] = _read(name, str(default if value is None else value))

    def next_after(self, after: datetime) -> datetime | None:
        """Return the first due moment after `after`, or None within five years."""
        moment = (after + timedelta(seconds=1)).astimezone(self._zone).replace(microsecond=0)
        end = moment + timedelta(days=5 * 366)
        while moment < end:
            if not self._day_fits(moment):
                moment = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0)
            elif not self._fits("hour", moment.hour):
                moment = (moment + timedelta(hours=1)).replace(minute=0, second=0)
            elif not self._fits("minute", moment.minute):
                moment = (moment + timedelta(minutes=1)).replace(second=0)
            elif not self._fits("second", moment.second):
                moment += timedelta(seconds=1)
            else:
                return moment
        return None

    def _day_fits(self, moment: datetime) -> bool:
        values = {
            "year": moment.year, "month": moment.month, "day": moment.day,
            "week": moment.isocalendar()[1], "day_of_week": moment.weekday(),
        }  # fmt: skip
        return all(self._fits(name, value) for name, value in values.items())

    def _fits(self, name: str, value: int) -> bool:
        wanted = self._wanted[name]
        return wanted is None or value in wanted


def _read(name: str, text: str) -> set[int] | None:
    if text == "*":
        return None
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.match(part.strip())
        if match is None:
            raise ValueError(f'"{part}" is no value of {name}')
        found |= _expand(name, match)
    return found


def _expand(name: str, match: re.Match[str]) -> set[int]:
    low, high = _RANGES[name]
    step = int(match["step"] or 1)
    if match["first"] == "*":
        return set(range(low, high + 1, step))
    first = _number(name, match["first"])
    last = _number(name, match["last"]) if match["last"] else (high if match["step"] else first)
    if not low <= first <= last <= high:
        raise ValueError(f'"{match[0]}" is out of range for {name}')
    return set(range(first, last + 1, step))


def _number(name: str, text: str) -> int:
    names = {"day_of_week": (_DAYS, 0), "month": (_MONTHS, 1)}.get(name)
    if names and text.lower() in names[0]:
        return names[0].index(text.lower()) + names[1]
    return int(text)
