"""Write down a machine for a ring, unless limits or the ring speak against it."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.clients.stackstorm import first_execution
from cicd.config import Settings
from cicd.provisioning.ordering import Ordering


class OrderMachine(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, provider: str, user: str) -> dict[str, Any]:
        name = Ordering(settings, project, ring, provider, user, first_execution()).order()
        return {"host": name, "message": f"{name} is to be a host of {project}'s {ring} ring"}
