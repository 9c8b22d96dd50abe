"""Counts each project's changes since the month began: the whole month once, then what is new."""

from __future__ import annotations

from itertools import takewhile

from cicd.config import Settings
from cicd.release.stored import HistoryEntry
from cicd.repository.package_records import Ledger
from cicd.store.store import newest_first
from status import tally
from status.tally import Tally

AT_ONCE = 50  # changes that are read as keys; more are looked for where they are folded


class Counts:
    """The tally of each project; a month that is over is forgotten."""

    def __init__(self, settings: Settings) -> None:
        self._ledger = Ledger(settings)
        self._tallies: dict[str, Tally] = {}

    def follow(self, project: str, generation: int, now: float) -> Tally:
        """Return the tally of *project* up to *generation*, which its record has *now*."""
        known, since = self._tallies.get(project), tally.month(now)
        if known is None or known.since != since or generation < known.generation:
            known = Tally(since)
        entries = self._newer(project, known, generation) if generation > known.generation else []
        arrived = [str(one["to"]) for one in entries if one["what"] in tally.GOOD and one["to"]]
        committed = self._ledger.committed(project, arrived)
        for entry in entries:
            known.add(entry, committed.get(str(entry["to"]), 0.0))
        known.generation = generation
        self._tallies[project] = known
        return known

    def _newer(self, project: str, known: Tally, generation: int) -> list[HistoryEntry]:
        """Return what came after *known*, oldest first; nothing older than its month is asked for."""
        changes = self._ledger.changes(project)
        if generation - known.generation <= AT_ONCE:
            names = [f"{one:08d}" for one in newest_first(generation, generation - known.generation)]
            return changes.several(names)[::-1]
        fresh = takewhile(lambda entry: _is_fresh(entry, known), changes.newest_first())
        return list(fresh)[::-1]


def _is_fresh(entry: HistoryEntry, known: Tally) -> bool:
    return entry["when"] >= known.since and int(entry["generation"]) > known.generation
