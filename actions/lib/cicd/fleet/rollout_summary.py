"""What all hosts of a rollout said, short enough for a result: failures first, in full. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, Sequence

from cicd.sanitize import one_line

Report = Mapping[str, Any]  # what cicd-converge prints: host, state, code, message, installed, seconds, …
FULL = 8
LISTED = 20
NAMES_CHARACTERS = 1000
LOG_CHARACTERS = 500


def summary(reports: Sequence[Report], untouched: int) -> dict[str, Any]:
    """Return the counts, the failures and some hosts; a few kilobytes, however many hosts there are."""
    failed = failures(reports)
    counts = Counter(str(report["state"]) for report in reports)
    if untouched:
        counts["untouched"] = untouched
    ordered = [*failed, *(report for report in reports if report["state"] != "failed")]
    return {
        "counts": dict(counts),
        "failed": [_full(report) for report in failed[:FULL]],
        "log": _log(failed),
        "failed_hosts": one_line(", ".join(str(report["host"]) for report in failed), NAMES_CHARACTERS),
        "hosts": [_short(report) for report in ordered[:LISTED]],
    }


def failures(reports: Sequence[Report]) -> list[Report]:
    """Return the reports of hosts that failed."""
    return [report for report in reports if report["state"] == "failed"]


def sentence(reports: Sequence[Report]) -> str:
    """Return which hosts failed and why, as far as it fits a line."""
    failed = failures(reports)
    said = "; ".join(f"{r['host']}: {one_line(str(r['message']), 200)}" for r in failed[:3])
    return f"{said}; and {len(failed) - 3} more" if len(failed) > 3 else said


def _log(failed: Sequence[Report]) -> str:
    """Return what the unit of the first host that has it said last."""
    said = (f"{one['host']}: {one_line(str(one['log']), LOG_CHARACTERS)}" for one in failed if one.get("log"))
    return next(said, "")


def _full(report: Report) -> dict[str, Any]:
    return {
        "host": report["host"],
        "code": one_line(str(report.get("code", "")), 40),
        "message": one_line(str(report["message"]), 300),
    }


def _short(report: Report) -> dict[str, Any]:
    return {
        "host": report["host"],
        "state": report["state"],
        "installed": one_line(str(report.get("installed", "")), 100),
        "seconds": report.get("seconds_total"),
    }
