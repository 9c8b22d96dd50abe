"""What the history of a project counts up to since a fixed moment, whoever counts, and when. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cicd.release.stored import HistoryEntry
from cicd.reports.report import BEGINS

OUTCOMES = {"confirm": "good", "degrade": "degraded", "restore": "failed", "stop": "failed"}
GOOD, ROLL_BACK = ("confirm", "degrade"), "roll_back"
DURATIONS = (10, 30, 60, 120, 300, 600, 1800, 3600)
LEAD_TIMES = (300, 900, 3600, 4 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400)


@dataclass
class Histogram:
    """How many values, all in seconds, were at most each of `bounds`; all of them, and their sum."""

    bounds: tuple[int, ...]
    below: Counter[int] = field(default_factory=Counter)
    count: int = 0
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.below.update(bound for bound in self.bounds if seconds <= bound)
        self.count += 1
        self.sum += seconds


@dataclass
class RingTally:
    """Deploys to one ring by how they ended, its rollbacks, and how long deploys and changes took."""

    outcomes: Counter[str] = field(default_factory=Counter)
    rollbacks: int = 0
    durations: Histogram = field(default_factory=lambda: Histogram(DURATIONS))
    lead_times: Histogram = field(default_factory=lambda: Histogram(LEAD_TIMES))
    began: float = 0.0  # the deploy that is under way; 0 for none


@dataclass
class Tally:
    """
    What was counted of one project's changes from the epoch second `since` to `generation`.

    A deploy counts when it began since then, once, by its first end.
    """

    since: float
    generation: int = 0
    rings: dict[str, RingTally] = field(default_factory=dict)

    def ring(self, name: str) -> RingTally:
        """Return what was counted of the ring *name*."""
        return self.rings.setdefault(name, RingTally())

    def add(self, entry: HistoryEntry, committed: float = 0.0) -> None:
        """Count the next change; *committed* is the time of its version's commit, 0 where nobody knows it."""
        self.generation = int(entry["generation"])
        if entry["when"] < self.since:
            return
        ring, what = self.ring(entry["ring"]), entry["what"]
        if what in BEGINS:
            ring.began = entry["when"]
        elif what == ROLL_BACK:
            ring.rollbacks += 1
            ring.began = 0.0
        elif what in OUTCOMES and ring.began:
            _end(ring, entry, OUTCOMES[what], committed)


def _end(ring: RingTally, entry: HistoryEntry, outcome: str, committed: float) -> None:
    ring.outcomes[outcome] += 1
    if entry["what"] in GOOD:
        ring.durations.add(max(0.0, entry["when"] - ring.began))
        if committed:
            ring.lead_times.add(max(0.0, entry["when"] - committed))
    ring.began = 0.0


def month(now: float) -> float:
    """Return the epoch second at which the month of *now* began, in UTC."""
    today = datetime.fromtimestamp(now, UTC)
    return datetime(today.year, today.month, 1, tzinfo=UTC).timestamp()
