"""Step 3: start the project's Jenkins job for one commit, when it is that commit's turn."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci.builds import Builds
from cicd.clients.jenkins import Jenkins, job_path
from cicd.config import Settings
from cicd.store.store import Store


class StartBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str) -> dict[str, Any]:
        found, jenkins = settings.project(project), Jenkins(settings)
        started = Builds(settings, found, Store(settings), jenkins).start(commit)
        said = f"is not started: {started['why']}" if started["why"] else "is queued"
        return {
            "queue_id": started["queue_id"],
            "job": found.job,
            "url": f"{jenkins.url}/{job_path(found)}/",
            "message": f"{project} {commit[:7]}: CI job {found.job} {said}",
        }
