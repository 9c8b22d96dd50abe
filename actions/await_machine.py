"""Wait until a new machine serves what its ring is wanted to run."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.provisioning.awaiting import Newcomer


class AwaitMachine(CicdAction):
    def act(self, settings: Settings, host: str) -> dict[str, Any]:
        version = Newcomer(settings, host, self.is_cancelled).until_ready()
        return {"host": host, "version": version, "message": f"{host} serves {version}"}
