"""Say who changed a project's release, when, why, and from what to what."""

from __future__ import annotations

from typing import Any

from cicd import overview
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store


class ListHistory(CicdAction):
    def act(self, settings: Settings, project: str, last: int) -> dict[str, Any]:
        entries = Store(settings).history(settings.project(project).name, max(1, last))
        return {"history": entries, "message": overview.history(entries)}
