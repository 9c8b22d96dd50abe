"""Advertise again what a ring last ran well, after a deploy of it failed."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy


class RestoreRing(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        changed = Deploy(settings, project, user).restore(ring, generation).ring(ring)
        version = changed.wanted.version if changed.wanted else ""
        return {
            "generation": changed.generation,
            "version": version,
            "message": f"{project} on {ring} is advertised as {version or 'nothing'} again",
        }
