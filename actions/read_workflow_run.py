"""The first code that sees an event of GitHub Actions: whose run it is, as identifiers alone."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci import run_handler
from cicd.ci.reported_run import IGNORED
from cicd.config import Settings
from cicd.store.store import Store


class ReadWorkflowRun(CicdAction):
    def act(self, settings: Settings, event: dict[str, Any]) -> dict[str, Any]:
        run, found = run_handler.take(settings, Store(settings), event)
        return {
            "message": f"run {run.number} of {run.repository}: {found.reason or run.state}",
            "project": found.project,
            "commit": run.commit,
            "build": run.number,
            "state": run.state if found.project else IGNORED,
        }
