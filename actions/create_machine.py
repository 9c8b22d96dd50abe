"""Have a machine's provider make it, with a token by which it joins."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.provisioning import creating


class CreateMachine(CicdAction):
    def act(self, settings: Settings, host: str) -> dict[str, Any]:
        machine = creating.created(settings, host)
        return {"host": host, "message": f"{host} is {machine.state} at its provider"}
