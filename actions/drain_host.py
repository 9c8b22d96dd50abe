"""Take a host out of traffic for good, and wait for its clients."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.clients.stackstorm import first_execution
from cicd.config import Settings
from cicd.provisioning.retiring import Retirement


class DrainHost(CicdAction):
    def act(self, settings: Settings, host: str, force: bool, user: str) -> dict[str, Any]:
        projects = Retirement(settings, host, user, force, first_execution()).drain()
        said = f"{host} takes no more requests of {', '.join(projects) or 'any project'}"
        return {"host": host, "projects": projects, "message": said}
