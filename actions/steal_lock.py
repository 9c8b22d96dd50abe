"""Take over the lock of a project from its holder, or from the deploy that is under way."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class StealLock(CicdAction):
    def act(self, settings: Settings, project: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).steal(reason)
        return {
            "holds": asdict(held.holds),
            "message": f"{project} is locked by {user} now: {reason}. End it with unlock_deploys",
        }
