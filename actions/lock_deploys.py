"""Stop every deploy of a project until it is unlocked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class LockDeploys(CicdAction):
    def act(self, settings: Settings, project: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).hold("lock", reason)
        return {"holds": asdict(held.holds), "message": f"{project} is locked by {user}: {reason}"}
