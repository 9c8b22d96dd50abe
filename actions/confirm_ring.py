"""Record that every host of a ring runs the advertised version and is healthy."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy


class ConfirmRing(CicdAction):
    def act(
        self, settings: Settings, project: str, ring: str, generation: int, user: str, reachable_only: bool
    ) -> dict[str, Any]:
        changed = Deploy(settings, project, user).confirm(ring, generation, reachable_only)
        wanted = changed.ring(ring).wanted
        version = wanted.version if wanted else ""
        return {"version": version, "message": f"{project} {version or 'nothing'} is healthy on {ring}"}
