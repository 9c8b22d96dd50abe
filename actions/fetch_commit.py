"""Step 8: clone exactly one commit on the build host."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.package import build
from cicd.release.host import Host


class FetchCommit(RunStep):
    def act(
        self, settings: Settings, project: str, commit: str, run: str, host: dict[str, str]
    ) -> dict[str, Any]:
        build.fetch_commit(settings, Host(**host), run, settings.project(project), commit)
        return {"message": f"{project} {commit[:7]} is on {host['name']}"}
