"""Four figures about how a project is delivered, from what its history says of one ring. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Iterable, List, Mapping, Optional, Sequence, TypedDict

from cicd.release.stored import HistoryEntry
from cicd.reports.report import BEGINS
from cicd.sanitize import age

GOOD = ("confirm", "degrade")
BAD = ("restore", "stop", "roll_back")
DAY = 86400
WEEK = 7 * DAY


class Figures(TypedDict):
    """
    How a project was delivered to `ring` in the last `days`; a figure of nothing is None, never zero.

    `deployments` came to every host, `per_week` says how often. `lead_time_seconds` is the median from
    commit to there, of `lead_times` whose commit's time is known. `failures` of the `ended` deployments
    were stopped, taken back or rolled back. `restore_seconds` is the median from there to a ring that is
    good again, of `restores`.
    """

    ring: str
    days: int
    deployments: int
    per_week: Optional[float]
    lead_time_seconds: Optional[float]
    lead_times: int
    ended: int
    failures: int
    failure_rate: Optional[float]
    restore_seconds: Optional[float]
    restores: int


@dataclass
class Deployment:
    """One version on its way to a ring: when it was on every host, and whether it failed, then or later."""

    version: str
    done: float = 0
    failed: bool = False


@dataclass
class Course:
    """What happened on a ring: its deployments, and how long each failure lasted."""

    deployments: List[Deployment] = field(default_factory=list)
    restores: List[float] = field(default_factory=list)
    good: str = ""
    broken_since: float = 0

    def follow(self, entry: HistoryEntry) -> None:
        """Go on with the next change of the ring."""
        if entry["what"] in BEGINS and entry["to"] != self.good:
            self.deployments.append(Deployment(str(entry["to"])))
        elif entry["what"] in GOOD and entry["to"]:
            self._succeed(str(entry["to"]), entry["when"])
        elif entry["what"] in BAD:
            self._fail(str(entry["from"]), entry["when"])

    def _succeed(self, version: str, when: float) -> None:
        newest = self._newest(version)
        if newest:
            newest.done = newest.done or when
        if self.broken_since:
            self.restores.append(when - self.broken_since)
        self.good, self.broken_since = version, 0

    def _fail(self, version: str, when: float) -> None:
        newest = self._newest(version)
        if newest:
            newest.failed = True
        self.broken_since = self.broken_since or when

    def _newest(self, version: str) -> Deployment | None:
        return next((one for one in reversed(self.deployments) if one.version == version), None)


def of(
    history: Sequence[HistoryEntry], committed: Mapping[str, float], ring: str, days: int, now: float
) -> Figures:
    """Return the figures of *ring*: *history* is newest first, *committed* says when each version was."""
    course = Course()
    for entry in reversed(recent(history, days, now)):
        if entry["ring"] == ring:
            course.follow(entry)
    done = [one for one in course.deployments if one.done]
    failed = [one for one in course.deployments if one.failed]
    ended = [one for one in course.deployments if one.done or one.failed]
    lead = [one.done - committed[one.version] for one in done if one.version in committed]
    return {
        "ring": ring,
        "days": days,
        "deployments": len(done),
        "per_week": round(len(done) * WEEK / (days * DAY), 2) if done else None,
        "lead_time_seconds": _median(lead),
        "lead_times": len(lead),
        "ended": len(ended),
        "failures": len(failed),
        "failure_rate": round(len(failed) / len(ended), 3) if ended else None,
        "restore_seconds": _median(course.restores),
        "restores": len(course.restores),
    }


def recent(history: Iterable[HistoryEntry], days: int, now: float) -> list[HistoryEntry]:
    """Return what of *history*, newest first, happened in the last *days*; no older change is asked for."""
    found: list[HistoryEntry] = []
    for entry in history:
        if entry["when"] < now - days * DAY:
            break
        found.append(entry)
    return found


def message(project: str, figures: Figures) -> str:
    """Return *figures* in words, each with the number of cases behind it."""
    where = f"{project} on {figures['ring']}, the last {figures['days']} days"
    if not figures["ended"]:
        return f"{where}: no deployment ended, so there is nothing to count."
    return f"{where}:\n" + "\n".join(f"- {line}" for line in _lines(figures))


def _lines(figures: Figures) -> Iterable[str]:
    done, ended, failed = figures["deployments"], figures["ended"], figures["failures"]
    yield f"deployment frequency: {figures['per_week'] or 0:g} a week ({_count(done, 'deployment')})"
    lead, restore = figures["lead_time_seconds"], figures["restore_seconds"]
    if lead is None:
        yield "lead time for changes: unknown, as no deployed version has its commit's time on record"
    else:
        of_all = f"median of {figures['lead_times']}"
        yield f"lead time for changes: {age(lead)} from commit to every host ({of_all})"
    yield f"change failure rate: {100 * (figures['failure_rate'] or 0):.0f} % ({failed} of {ended})"
    if restore is None:
        yield "time to restore: nothing had to be restored"
    else:
        of_all = f"median of {figures['restores']}"
        yield f"time to restore: {age(restore)} until the ring was good again ({of_all})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 1) if values else None
