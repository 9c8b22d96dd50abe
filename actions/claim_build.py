"""Step 5: read a build again from its CI server, and claim its success for packaging."""

from __future__ import annotations

from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.ci.builds import Builds, Passed
from cicd.clients.stackstorm import own_execution
from cicd.config import Settings


class ClaimBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str, build: int) -> dict[str, Any]:
        builds = Builds.of(settings, project)
        execution = own_execution()
        claimed = builds.passed(identifiers.check("commit", commit), build, execution)
        result = claimed["result"]
        return {
            "proceed": claimed["proceed"],
            "deploy": claimed["deploy"],
            "next": claimed["next"],
            "seconds": result.seconds,
            "url": result.url,
            "trace": identifiers.trace_tag(builds.project.repository, commit),
            "message": f"{project} {commit[:7]} passed CI as {builds.label(result.number)}{_rest(claimed)}",
        }


def _rest(claimed: Passed) -> str:
    if claimed["superseded"]:
        return f", superseded by {claimed['superseded'][:7]}"
    return "" if claimed["proceed"] else ", which was known already"
