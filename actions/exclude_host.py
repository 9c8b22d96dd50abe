"""Leave a host out of its ring."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class ExcludeHost(CicdAction):
    def act(self, settings: Settings, project: str, host: str, reason: str, user: str) -> dict[str, Any]:
        held = Controls(settings, project, user).exclude(host, reason)
        said = f"{host} is left out of {project}'s deploys by {user}: {reason}"
        return {"holds": asdict(held.holds), "message": said}
