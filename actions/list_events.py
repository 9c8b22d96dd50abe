"""Say what was decided on the newest events, and what became of each."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci import event_log
from cicd.config import Settings
from cicd.store.store import Store


class ListEvents(CicdAction):
    def act(self, settings: Settings, project: str, last: int) -> dict[str, Any]:
        name = settings.project(project).name if project else ""
        shown = max(1, min(last, event_log.SHOWN_AT_ONCE))
        entries, more = event_log.events(Store(settings), shown, name)
        return {"events": entries, "more": more, "message": event_log.lines(entries, more)}
