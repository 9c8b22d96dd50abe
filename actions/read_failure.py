"""Read from Jenkins why a build did not succeed, and close its run."""

from __future__ import annotations

import time
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.jenkins import Jenkins


class ReadFailure(CicdAction):
    def act(self, settings: Settings, project: str, commit: str, build: int) -> dict[str, Any]:
        found, server = settings.project(project), Jenkins(settings)
        result = server.of_commit(found, commit, build)
        failed = {"stage": "failed", "build": result.number, "status": result.status, "at": time.time()}
        Store(settings).advance(found.name, commit, {None, "accepted", "building"}, failed)
        return {
            "status": result.status or "RUNNING",
            "seconds": result.seconds,
            "console": server.console_tail(found, result.number),
            "url": result.url,
            "message": f"{project} {commit[:7]} did not pass CI: {found.job} #{result.number} is "
            f"{result.status}. Nothing was packaged; see {result.url}console",
        }
