"""What GitHub was told of a project, and since when and until when: one document in Consul. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Mapping

from cicd.clients.github import LONGEST_WAIT_SECONDS
from cicd.clock import is_ahead
from cicd.reports.report import Report

KEPT = 600  # CI, package and canary of each run
LEASE_SECONDS = 90
BACKOFF_SECONDS = 900


@dataclass(frozen=True)
class Told:
    """
    The memory of what GitHub was told.

    Changes were told up to `generation`, runs are told that moved after `since`; `ci` has what was said
    last, by what it is about, `deployments` the `commit` and GitHub's `id` of each ring's last one.
    Who is `busy` tells alone until `busy_until`. GitHub is left alone until `not_before`, after that many
    `tries` and its last `problem`. All moments are epoch seconds.
    """

    generation: int
    since: float
    ci: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    busy: str = ""
    busy_until: float = 0
    not_before: float = 0
    tries: int = 0
    problem: str = ""

    def is_left_alone(self, now: float) -> bool:
        """Whether GitHub wants to hear nothing *now*."""
        return is_ahead(self.not_before, now, LONGEST_WAIT_SECONDS)


def parse(document: Mapping[str, Any]) -> Told | None:
    """Return what *document* says; None when it is empty, since nothing was told yet."""
    names = [one.name for one in fields(Told) if one.name in document]
    return Told(**{name: document[name] for name in names}) if document else None


def as_json(told: Told) -> dict[str, Any]:
    """Return *told* as plain data for the store."""
    return asdict(told)


def claim(told: Told, who: str, now: float) -> Told | None:
    """Return *told* while *who* tells GitHub; None when somebody else does, or it is left alone."""
    if is_ahead(told.busy_until, now, LEASE_SECONDS) or told.is_left_alone(now):
        return None
    return replace(told, busy=who, busy_until=now + LEASE_SECONDS)


def mark(told: Told, one: Report) -> Told:
    """Record that *one* was told."""
    if one.ring:
        return replace(told, generation=max(told.generation, int(one.mark)))
    ci = {**{about: said for about, said in told.ci.items() if about != one.about}, one.about: one.mark}
    return replace(told, ci=dict(list(ci.items())[-KEPT:]))


def back_off(told: Told, seconds: float, problem: str, now: float) -> Told:
    """Leave GitHub alone for *seconds*, or for longer the more often it said so."""
    wait = min(seconds * 2 ** min(told.tries, 5), max(seconds, BACKOFF_SECONDS))
    return replace(told, tries=told.tries + 1, not_before=now + wait, problem=problem)
