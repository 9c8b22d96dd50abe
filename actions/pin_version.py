"""Keep production at a version until it is unpinned."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class PinVersion(CicdAction):
    def act(self, settings: Settings, project: str, version: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).hold("pin", reason, version)
        return {
            "holds": asdict(held.holds),
            "message": f"{project} is pinned to {version} by {user}: {reason}",
        }
