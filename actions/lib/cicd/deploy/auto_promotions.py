"""Rings that are promoted to by themselves: which of them may get a version now."""

from __future__ import annotations

from typing import Iterator

from cicd.config import Settings
from cicd.deploy import commands
from cicd.deploy.lost_deploys import Event, RingEvent
from cicd.errors import CicdError
from cicd.release import shares
from cicd.release.lifecycle import AUTO
from cicd.release.record import DEGRADED, EMPTY, HEALTHY
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

TRIGGER = "cicd.ring_promotable"


def find(settings: Settings, store: Store) -> Iterator[Event]:
    """Yield the trigger for every ring for whose promotion everything holds now, at which `generation`."""
    for project in settings.projects.values():
        rings = [stage.name for stage in project.lifecycle.stages if stage.promote == AUTO]
        if rings:
            seen = store.look(Look(project, more=commands.keys_of_promotions))
            for ring in rings:
                if is_due(seen, ring):
                    generation = seen.release.generation
                    yield TRIGGER, RingEvent(project=project.name, ring=ring, generation=generation)


def is_due(seen: Snapshot, ring: str) -> bool:
    """
    Whether what the rings before *ring* run is to come there now.

    A version that failed there once waits for a person; one whose share of the requests grows waits for that.
    """
    current = seen.release.ring(ring)
    if current.state not in (EMPTY, HEALTHY, DEGRADED):
        return False
    try:
        build = commands.promotable(seen, ring, by_itself=True)
    except CicdError:
        return False
    if not all(shares.is_through(seen.release, name) for name in seen.release.lifecycle.stage(ring).after):
        return False
    failed = current.stop.version if current.stop else ""
    return build != current.wanted and build.version != failed
