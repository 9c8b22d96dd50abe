"""Step 4: read a build from Jenkins before anybody is told that it began."""

from __future__ import annotations

from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.ci.builds import Builds
from cicd.clients.jenkins import Jenkins
from cicd.config import Settings
from cicd.store.store import Store


class ReadBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str, build: int) -> dict[str, Any]:
        builds = Builds(settings, settings.project(project), Store(settings), Jenkins(settings))
        result = builds.began(identifiers.check("commit", commit), build)
        return {
            "build": result.number,
            "url": result.url,
            "message": f"{builds.label(result.number)} builds {project} {commit[:7]}",
        }
