"""Record that every host of a ring runs the advertised version and is healthy."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy


class ConfirmRing(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        wanted = Deploy(settings, project, user).confirm(ring, generation).ring(ring).wanted
        version = wanted.version if wanted else ""
        return {"version": version, "message": f"{project} {version or 'nothing'} is healthy on {ring}"}
