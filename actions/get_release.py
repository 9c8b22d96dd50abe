"""Show what is deployed: of one project, host by host, or one line for each."""

from __future__ import annotations

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.reports import overview


class GetRelease(CicdAction):
    def act(self, settings: Settings, project: str) -> overview.ProjectStatus | overview.Everything:
        return overview.project_status(settings, project) if project else overview.everything(settings)
