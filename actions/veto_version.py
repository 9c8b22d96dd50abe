"""Forbid a version to reach any ring, until somebody lifts that."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class VetoVersion(CicdAction):
    def act(self, settings: Settings, project: str, version: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).hold("veto", reason, version)
        return {"holds": asdict(held.holds), "message": f"{project} {version} is vetoed by {user}: {reason}"}
