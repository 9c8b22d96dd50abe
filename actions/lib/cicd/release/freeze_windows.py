"""Freeze windows: when, by the calendar, nothing is promoted. Pure."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Iterable

from cicd.errors import ConfigError

KEYS = {"from", "until", "zone", "reason"}


@dataclass(frozen=True)
class Window:
    """
    Frozen from each time that `begin` names until the next that `end` names.

    Both are cron expressions (minute, hour, day, month, weekday) in the IANA time `zone`,
    so a window keeps its wall clock when summer time begins or ends.
    """

    begin: str
    end: str
    zone: str
    reason: str


@dataclass(frozen=True)
class Opened:
    """A window that is open now: why, and until when in words."""

    reason: str
    until: str


def opened(windows: Iterable[Window], when: float) -> Opened | None:
    """Return the window that is open at *when* (epoch seconds) and ends last, or None."""
    found = [(end, window) for window in windows for end in [_end(window, when)] if end]
    if not found:
        return None
    end, window = max(found, key=lambda pair: pair[0])
    return Opened(window.reason, f"{end:%Y-%m-%d %H:%M} {window.zone}")


def parse(values: Any, where: str) -> tuple[Window, ...]:
    """Return the windows written as the list *values*; ConfigError names what is wrong *where*."""
    if not isinstance(values or [], list):
        raise _wrong(where, "it is not a list")
    return tuple(_window(value, f"{where}[{number}]") for number, value in enumerate(values or []))


def parse_text(text: str, where: str) -> tuple[Window, ...]:
    """Return the windows in the JSON *text* that is kept at *where*."""
    try:
        return parse(json.loads(text), where)
    except ValueError:
        raise _wrong(where, "it is not JSON") from None


def _window(value: Any, where: str) -> Window:
    from cronsim import CronSimError  # few projects have a window, and every action would wait for it

    if (
        not isinstance(value, dict)
        or set(value) != KEYS
        or not all(isinstance(v, str) for v in value.values())
    ):
        raise _wrong(where, f"it needs the keys {', '.join(sorted(KEYS))}")
    window = Window(value["from"], value["until"], value["zone"], " ".join(value["reason"].split()))
    try:
        _end(window, 0)
    except (CronSimError, StopIteration) as error:
        raise _wrong(where, str(error) or "it never happens") from None
    except (KeyError, ValueError, OSError):
        raise _wrong(where, f"{window.zone!r:.60} is not a time zone") from None
    return window


def _end(window: Window, when: float) -> datetime | None:
    from cronsim import CronSim

    now = datetime.fromtimestamp(when, tz=_zone(window.zone))
    later = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    begun = next(CronSim(window.begin, later, reverse=True))
    ended = next(CronSim(window.end, later, reverse=True))
    return next(CronSim(window.end, now)) if begun > ended else None


def _zone(name: str) -> tzinfo:
    """Return the IANA time zone *name*; KeyError, ValueError or OSError when there is none."""
    if sys.version_info >= (3, 9):
        from zoneinfo import ZoneInfo
    else:
        from backports.zoneinfo import ZoneInfo
    return ZoneInfo(name)


def _wrong(where: str, why: str) -> ConfigError:
    return ConfigError(
        f"The freeze window {where} is unreadable ({why}); nothing may be promoted.",
        'Write from: "0 17 * * FRI", until: "0 8 * * MON", zone: Europe/Berlin, reason: weekend.',
    )
