"""Which published versions of a project may go. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, Mapping, Sequence, Tuple

from cicd.release.guards import place
from cicd.release.record import Release
from cicd.release.stored import HistoryEntry
from cicd.release.version import BUILT

DAY_SECONDS = 86400


@dataclass(frozen=True)
class Choice:
    """What becomes of one version, and of all *packages* of it: it stays when there is a reason *why*."""

    packages: Tuple[str, ...]
    version: str
    why: str = ""


def choose(
    entries: Iterable[Mapping[str, str]],
    release: Release,
    history: Iterable[HistoryEntry],
    keep_versions: int,
    good_since: float,
) -> list[Choice]:
    """
    Return what becomes of each of the index *entries* of a project, newest first.

    Kept are the newest *keep_versions*, what a ring wants or can go back to, what is pinned, what
    was good at any time after *good_since* (epoch seconds), and what this pipeline did not build.
    Of a project whose rings are unknown nothing goes: Consul may have lost what hosts run.
    """
    versions: Dict[str, Dict[str, None]] = {}
    for entry in entries:
        versions.setdefault(entry["Version"], {})[entry["Package"]] = None
    built = [version for version in versions if BUILT.fullmatch(version)]
    newest = sorted(built, key=lambda version: place(release, version), reverse=True)
    reasons = {v: "not built by this pipeline" for v in versions if v not in newest}
    reasons.update({v: f"one of the newest {keep_versions}" for v in newest[: max(1, keep_versions)]})
    reasons.update(_recently_good(list(history), good_since))
    reasons.update(_needed(release))
    if not any(ring.wanted for ring in release.rings.values()):
        reasons = {**{v: "nobody knows what the rings run" for v in versions}, **reasons}
    order = [*newest, *sorted(set(versions) - set(newest))]
    return [Choice(tuple(versions[version]), version, reasons.get(version, "")) for version in order]


def recent(history: Iterable[HistoryEntry], release: Release, since: float) -> Iterator[HistoryEntry]:
    """
    Yield of *history*, newest first, what says which versions were good at any time after *since*.

    Of a ring that is as it was at that time nothing is needed: what was good then still is.
    """
    open_rings = {name for name in release.lifecycle.names if release.ring(name).since >= since}
    for entry in history:
        if not open_rings:
            return
        yield entry
        if entry.get("what") == "confirm" and entry.get("to") and _when(entry) < since:
            open_rings.discard(str(entry.get("ring")))


def _needed(release: Release) -> dict[str, str]:
    found = {release.holds.pin.version: "pinned"} if release.holds.pin else {}
    for name, ring in release.rings.items():
        builds = {"earlier good": ring.previous_good, "good": ring.last_good, "wanted": ring.wanted}
        found.update({build.version: f"{what} on {name}" for what, build in builds.items() if build})
    return found


def _recently_good(history: Sequence[HistoryEntry], since: float) -> dict[str, str]:
    confirmed = [entry for entry in history if entry.get("what") == "confirm" and entry.get("to")]
    found = {}
    for name in dict.fromkeys(str(entry.get("ring")) for entry in confirmed):
        until = float("inf")
        of_ring = [entry for entry in confirmed if entry.get("ring") == name]
        for entry in sorted(of_ring, key=lambda one: int(one.get("generation") or 0), reverse=True):
            if until >= since:
                found[str(entry["to"])] = f"was good on {name} lately"
            until = _when(entry)
    return found


def _when(entry: HistoryEntry) -> float:
    return float(entry.get("when") or 0)
