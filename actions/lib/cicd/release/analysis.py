"""What was found of a ring since its deploy: good, bad or neither, look by look and with figures. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Sequence, cast

from cicd.clock import SKEW_SECONDS
from cicd.release.stored import StoredAnalysis, StoredCounts, StoredObservation
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE, Verdict


@dataclass(frozen=True)
class Counts:
    """How many `requests` some hosts had, how many failed and were slow; None where nobody measured that."""

    requests: int = 0
    failures: int = 0
    slow: int | None = None


@dataclass(frozen=True)
class Observation:
    """
    What one `source` saw of the `canary` and of the other hosts, the `baseline`, until `when`.

    `outcome` and `reason` are its verdict by itself; `when` is in epoch seconds.
    """

    source: str
    outcome: str
    reason: str
    when: float
    canary: Counts = field(default_factory=Counts)
    baseline: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class Analysis:
    """
    What was found of the deploy of `generation`, and of no other.

    `looks` were taken, of as many as `planned`. Requests count that came after `began`, until `when`, the
    last look (epoch seconds).
    """

    generation: int
    outcome: str = INCONCLUSIVE
    reason: str = ""
    looks: int = 0
    planned: int = 0
    began: float = 0.0
    when: float = 0.0
    observations: tuple[Observation, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether no look follows: it is good or bad, or all looks were taken."""
        return self.outcome in (GOOD, BAD) or self.looks >= self.planned

    def is_good(self, since: float = 0.0) -> bool:
        """Whether it was found good, by requests after *since* (epoch seconds, by any worker's clock)."""
        return self.outcome == GOOD and since - self.began <= SKEW_SECONDS


def begun(generation: int, planned: int, when: float) -> Analysis:
    """Return a new analysis of what is wanted since *generation*: what came before *when* does not count."""
    return Analysis(generation, planned=planned, began=when, when=when)


def looked(known: Analysis, found: Verdict, observations: Sequence[Observation], when: float) -> Analysis:
    """Return what is *known* after one more look *when* all *observations* together were *found* so."""
    return replace(
        known,
        outcome=found.what,
        reason=found.reason,
        looks=known.looks + 1,
        when=when,
        observations=tuple(observations),
    )


def to_json(known: Analysis) -> StoredAnalysis:
    """Return what is *known* as plain data for the store."""
    return cast(StoredAnalysis, asdict(known))


def from_json(data: StoredAnalysis | None) -> Analysis | None:
    """Return the analysis stored as *data*; None where there is none, as in records of before."""
    if not data:
        return None
    return Analysis(
        generation=int(data["generation"]),
        outcome=str(data["outcome"]),
        reason=str(data["reason"]),
        looks=int(data["looks"]),
        planned=int(data["planned"]),
        began=float(data["began"]),
        when=float(data["when"]),
        observations=tuple(_observation(one) for one in data["observations"]),
    )


def _observation(data: StoredObservation) -> Observation:
    return Observation(
        source=str(data["source"]),
        outcome=str(data["outcome"]),
        reason=str(data["reason"]),
        when=float(data["when"]),
        canary=_counts(data["canary"]),
        baseline=_counts(data["baseline"]),
    )


def _counts(data: StoredCounts) -> Counts:
    slow = data["slow"]
    return Counts(int(data["requests"]), int(data["failures"]), None if slow is None else int(slow))
