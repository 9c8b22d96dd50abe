"""Tell GitHub what became of a project's commits: statuses and deployments."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.clients.github import GitHub
from cicd.config import Settings
from cicd.reports.github_reporter import WriteBack
from cicd.store.store import Store


class ReportToGithub(CicdAction):
    def act(self, settings: Settings, project: str) -> dict[str, Any]:
        found = settings.project(project)
        done = WriteBack(settings, found, Store(settings), GitHub(settings)).tell()
        problem = f" ({done['problem']})" if done["problem"] else ""
        return {
            **done,
            "message": f"{project}: {done['told']} reported to GitHub, {done['left']} left{problem}",
        }
