"""Deploys that ended without an end: cancelled, or run by a StackStorm that was killed."""

from __future__ import annotations

import time
from typing import Any, Iterator

from cicd import logbook
from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.record import DEPLOYING, RINGS, Ring


def find(settings: Settings, store: Store) -> Iterator[dict[str, Any]]:
    """
    Yield `project`, `ring` and `generation` of every ring that nobody drives any more.

    That is a ring recorded as deploying whose rollout was cancelled, or gave no sign of life for
    `deploy.lost_after` seconds: its hosts wait for a push that never comes.
    """
    for project in settings.projects.values():
        release = store.release(project.name)
        for name in RINGS:
            ring = release.ring(name)
            if ring.state == DEPLOYING and _is_lost(settings, store, project, ring):
                yield {"project": project.name, "ring": name, "generation": ring.generation}


def _is_lost(settings: Settings, store: Store, project: Project, ring: Ring) -> bool:
    known = store.get(logbook.key(project.name, ring.generation)) or {}
    last_sign = max(ring.since, float(known.get("at", 0)))
    return known.get("state") == logbook.CANCELLED or time.time() - last_sign > float(
        settings.deploy["lost_after"]
    )
