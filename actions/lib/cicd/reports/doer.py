"""Whose a change is, for people: behind what StackStorm did by itself there is a push, or nobody. Pure."""

from __future__ import annotations

from typing import Iterable, Mapping

from cicd.ci.run import Run
from cicd.release.stored import HistoryEntry

PACK = "cicd"
FORWARD = ("advertise_canary", "promote", "confirm", "degrade")


def named(entries: Iterable[HistoryEntry], runs: Mapping[str, Run], system_user: str) -> list[HistoryEntry]:
    """Return *entries* of the history with, for StackStorm's *system_user*, whose change it is."""
    return [{**entry, "who": _doer(entry, runs, system_user)} for entry in entries]


def _doer(entry: HistoryEntry, runs: Mapping[str, Run], system_user: str) -> str:
    if entry["who"] != system_user:
        return str(entry["who"] or "unknown")
    pushed = runs.get(str(entry.get("trace") or "").rpartition("@")[2])
    return pushed.user if pushed and pushed.user and entry["what"] in FORWARD else PACK
