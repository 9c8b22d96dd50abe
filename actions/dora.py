"""Say how often, how fast and how well a project is delivered: the four figures of DORA."""

from __future__ import annotations

import time
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.reports import dora
from cicd.repository.package_records import Ledger
from cicd.store.store import Store


class Dora(CicdAction):
    def act(self, settings: Settings, project: str, days: int, ring: str) -> dict[str, Any]:
        found, now = settings.project(project), time.time()
        name = found.lifecycle.stage(ring or found.lifecycle.names[-1]).name
        history = dora.recent(Store(settings).changes(found.name).newest_first(), days, now)
        versions = [str(entry["to"]) for entry in history if entry["ring"] == name]
        figures = dora.of(history, Ledger(settings).committed(found.name, versions), name, days, now)
        return {**figures, "message": dora.message(found.name, figures)}
