"""Say what was decided on the newest events, and what became of each."""

from __future__ import annotations

from typing import Any

from cicd import journal
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store


class ListEvents(CicdAction):
    def act(self, settings: Settings, project: str, last: int) -> dict[str, Any]:
        name = settings.project(project).name if project else ""
        entries = journal.events(Store(settings), max(1, min(last, journal.SHOWN_AT_ONCE)), name)
        return {"events": entries, "message": journal.lines(entries)}
