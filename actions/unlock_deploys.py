"""End the lock of a project."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class UnlockDeploys(CicdAction):
    def act(self, settings: Settings, project: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).end_hold("lock")
        return {"holds": asdict(held.holds), "message": f"{project} is unlocked by {user}"}
