"""What all hosts of a rollout said, short enough for a result: failures first, in full. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Dict, List, Sequence, TypedDict

from cicd.release.host_report import HostReport
from cicd.sanitize import one_line

FULL = 8
LISTED = 20
NAMES_CHARACTERS = 1000
LOG_CHARACTERS = 500


class FailedHost(TypedDict):
    """A host that failed, and why."""

    host: str
    code: str
    message: str


class ListedHost(TypedDict):
    """A host, what it runs, and after how many seconds; None when it did not come so far."""

    host: str
    state: str
    installed: str
    seconds: float | None


class Summary(TypedDict):
    """The `counts` of hosts by state, what `failed`, the `log` of the first that has one, some `hosts`."""

    counts: Dict[str, int]
    failed: List[FailedHost]
    log: str
    failed_hosts: str
    hosts: List[ListedHost]


def summary(reports: Sequence[HostReport], untouched: int) -> Summary:
    """Return the counts, the failures and some hosts; a few kilobytes, however many hosts there are."""
    failed = failures(reports)
    counts = Counter(report.state for report in reports)
    if untouched:
        counts["untouched"] = untouched
    ordered = [*failed, *(report for report in reports if not report.failed)]
    return {
        "counts": dict(counts),
        "failed": [_full(report) for report in failed[:FULL]],
        "log": _log(failed),
        "failed_hosts": one_line(", ".join(report.host for report in failed), NAMES_CHARACTERS),
        "hosts": [_short(report) for report in ordered[:LISTED]],
    }


def failures(reports: Sequence[HostReport]) -> list[HostReport]:
    """Return the reports of hosts that failed."""
    return [report for report in reports if report.failed]


def sentence(reports: Sequence[HostReport]) -> str:
    """Return which hosts failed and why, as far as it fits a line."""
    failed = failures(reports)
    said = "; ".join(f"{r.host}: {one_line(r.message, 200)}" for r in failed[:3])
    return f"{said}; and {len(failed) - 3} more" if len(failed) > 3 else said


def _log(failed: Sequence[HostReport]) -> str:
    """Return what the unit of the first host that has it said last."""
    said = (f"{one.host}: {one_line(one.log, LOG_CHARACTERS)}" for one in failed if one.log)
    return next(said, "")


def _full(report: HostReport) -> FailedHost:
    return {
        "host": report.host,
        "code": one_line(report.code, 40),
        "message": one_line(report.message, 300),
    }


def _short(report: HostReport) -> ListedHost:
    return {
        "host": report.host,
        "state": report.state,
        "installed": one_line(report.installed, 100),
        "seconds": report.seconds_total or None,
    }
