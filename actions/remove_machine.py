"""Destroy a machine, and remove what Consul has of it."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.provisioning.removing import given_up


class RemoveMachine(CicdAction):
    def act(self, settings: Settings, host: str, user: str) -> dict[str, Any]:
        given_up(settings, host, user)
        return {"host": host, "message": f"{host} is destroyed, and nothing is left of it"}
