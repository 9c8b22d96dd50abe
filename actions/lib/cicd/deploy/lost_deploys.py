"""Rings that nobody drives: their deploy died, or failed to go back, or their hosts got well alone."""

from __future__ import annotations

from typing import Iterator, List, Mapping, Tuple, TypedDict

from cicd.clock import Sightings
from cicd.config import Settings
from cicd.errors import Refused
from cicd.release import fate
from cicd.release.rollout_record import rollout_keys
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

TRIGGERS = {fate.TAKE_BACK: "cicd.deploy_lost", fate.CONFIRM: "cicd.ring_recovered"}
AGAIN_SECONDS = 60.0  # a step that was asked for has begun by then, or died before it could


class RingEvent(TypedDict):
    """The ring of a project that needs something, and the generation that it is about."""

    project: str
    ring: str
    generation: int


Event = Tuple[str, Mapping[str, object]]


def find(settings: Settings, store: Store, seen: Sightings) -> Iterator[Event]:
    """
    Yield a trigger, and `project`, `ring` and `generation`, of every ring that needs something.

    *seen* is what the asking process remembers from one time to the next.
    """
    for project in settings.projects.values():
        known = store.look(Look(project, hosts=False, more=rollout_keys))
        for name in project.lifecycle.names:
            ring = known.release.ring(name)
            becomes = _fate(store, known, name, seen)
            if becomes in TRIGGERS:
                yield (
                    TRIGGERS[becomes],
                    RingEvent(project=project.name, ring=name, generation=ring.generation),
                )


class Told:
    """What was told and when. What still stands is told again, since who was told may have died."""

    def __init__(self) -> None:
        self._at: list[tuple[Event, float]] = []

    def news(self, found: List[Event], now: float) -> list[Event]:
        """Return those of the events *found* that are new, or were told long ago; *now* is of any clock."""
        recent = [(event, at) for event, at in self._at if event in found and now - at < AGAIN_SECONDS]
        fresh = [event for event in found if event not in [told for told, _ in recent]]
        self._at = [*recent, *((event, now) for event in fresh)]
        return fresh


def _fate(store: Store, known: Snapshot, name: str, seen: Sightings) -> str:
    """Hosts are looked at only when their health can make a difference."""
    ring, lost_after = known.release.ring(name), known.deploy(name).lost_after
    rollout = known.rollout(ring.generation)
    at = seen.bound(f"{known.project.name}/{name} rollout", float(rollout.get("at", 0)))

    def becomes(is_well: bool) -> str:
        return fate.of(ring, {**rollout, "at": at}, known.now, lost_after, is_well)

    if becomes(True) == fate.CONFIRM and _is_well(store.look(Look(known.project)), name, ring.backward):
        return fate.CONFIRM
    return becomes(False)


def _is_well(seen: Snapshot, name: str, reachable_only: bool) -> bool:
    """Of a ring that goes back, hosts that Consul cannot reach do not count, as in its own deploy."""
    try:
        return not seen.unproven_hosts(name, reachable_only)
    except Refused:
        return False
