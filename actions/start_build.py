"""Step 3: start the project's CI for one commit, when it is that commit's turn."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci.builds import Builds
from cicd.config import Settings


class StartBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str) -> dict[str, Any]:
        builds = Builds.of(settings, project)
        started, job = builds.start(commit), builds.label(0)
        said = f"is not started: {started['why']}" if started["why"] else "is queued"
        return {
            "queue_id": started["queue_id"],
            "job": job,
            "url": builds.server.page(builds.project),
            "message": f"{project} {commit[:7]}: CI job {job} {said}",
        }
