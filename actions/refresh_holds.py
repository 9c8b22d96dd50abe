"""Tell hosts of a freeze window that opened or closed, and of what holds everything."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls
from cicd.release.record import EVERYTHING


class RefreshHolds(CicdAction):
    def act(self, settings: Settings) -> dict[str, Any]:
        told = Controls(settings, EVERYTHING).refresh()
        return {"projects": told, "message": f"documents written again: {', '.join(told) or 'none'}"}
