"""Take a host back into its ring."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class IncludeHost(CicdAction):
    def act(self, settings: Settings, project: str, host: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).include(host)
        return {
            "holds": asdict(held.holds),
            "message": f"{host} belongs to {project}'s deploys again, says {user}",
        }
