"""Step 4: read a build from its CI server before anybody is told that it began."""

from __future__ import annotations

from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.ci.builds import Builds
from cicd.config import Settings


class ReadBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str, build: int) -> dict[str, Any]:
        builds = Builds.of(settings, project)
        result = builds.began(identifiers.check("commit", commit), build)
        return {
            "build": result.number,
            "url": result.url,
            "message": f"{builds.label(result.number)} builds {project} {commit[:7]}",
        }
