"""Advertise again what a ring last ran well, after a deploy of it failed."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy
from cicd.record import STOPPED


class RestoreRing(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        changed = Deploy(settings, project, user).restore(ring, generation).ring(ring)
        version = changed.wanted.version if changed.wanted else ""
        stopped = changed.state == STOPPED
        said = "stays stopped" if stopped else f"is advertised as {version or 'nothing'} again"
        return {
            "generation": changed.generation,
            "version": "" if stopped else version,
            "stopped": stopped,
            "message": f"{project} on {ring} {said}",
        }
