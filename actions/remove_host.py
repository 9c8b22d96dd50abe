"""Take a drained host out of its rings, and destroy its machine if this pack made it."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.provisioning.retiring import Retirement


class RemoveHost(CicdAction):
    def act(self, settings: Settings, host: str, force: bool, user: str) -> dict[str, Any]:
        return {"host": host, "message": Retirement(settings, host, user, force).remove()}
