"""Let a version that was vetoed reach a ring again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class LiftVeto(CicdAction):
    def act(self, settings: Settings, project: str, version: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).lift_veto(version, reason)
        return {
            "holds": asdict(held.holds),
            "message": f"The veto on {project} {version} is lifted by {user}: {reason}",
        }
