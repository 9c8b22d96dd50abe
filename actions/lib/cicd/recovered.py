"""Rings whose hosts went on by themselves, after the deploy to them had ended badly, until all were well."""

from __future__ import annotations

import time
from typing import Any, Iterator

from cicd import logbook
from cicd.config import Settings
from cicd.consul import Store
from cicd.deploy import Deploy
from cicd.errors import Refused
from cicd.record import DEGRADED, RESTORING, RINGS, Release

WAITING = (RESTORING, DEGRADED)  # their hosts converge by themselves, and no step may follow that says so
QUIET_SECONDS = 20  # a rollout that has just ended is confirmed by its own deploy


def find(settings: Settings, store: Store) -> Iterator[dict[str, Any]]:
    """
    Yield `project`, `ring` and `generation` of every ring that can be confirmed by now.

    Of a ring that goes back, hosts that Consul cannot reach do not count, as in its own deploy.
    """
    for project in settings.projects.values():
        release = store.release(project.name)
        for name in RINGS:
            ring = release.ring(name)
            if ring.state not in WAITING or not ring.wanted or _is_walked(settings, store, release, name):
                continue
            if _is_well(Deploy(settings, project.name), name, reachable_only=ring.backward):
                yield {"project": project.name, "ring": name, "generation": ring.generation}


def _is_walked(settings: Settings, store: Store, release: Release, name: str) -> bool:
    ring = release.ring(name)
    known = store.get(logbook.key(release.project, ring.generation)) or {}
    quiet = time.time() - max(ring.since, float(known.get("at", 0)))
    running = known.get("state") == logbook.RUNNING
    return quiet < (float(settings.deploy["lost_after"]) if running else QUIET_SECONDS)


def _is_well(deploy: Deploy, name: str, reachable_only: bool) -> bool:
    try:
        deploy.hosts(name, reachable_only)
        return not deploy.to_retry(name, ())
    except Refused:
        return False
