"""Say who changed a project's release, when, why, and from what to what."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci.runs import Runs
from cicd.config import Settings
from cicd.reports import doer, overview
from cicd.store.store import Store


class ListHistory(CicdAction):
    def act(self, settings: Settings, project: str, last: int) -> dict[str, Any]:
        store, found = Store(settings), settings.project(project)
        runs = Runs(store, found.name).every()
        entries = doer.named(store.history(found.name, max(1, last)), runs, settings.system_user)
        return {"history": entries, "message": overview.history(entries, found.name, runs)}
