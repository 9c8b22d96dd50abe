"""Step 9: check the project's contract and read its package metadata."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.package import build
from cicd.release.host import Host


class ReadMetadata(RunStep):
    def act(
        self, settings: Settings, project: str, commit: str, run: str, host: dict[str, str]
    ) -> dict[str, Any]:
        described = build.read_metadata(settings, Host(**host), run, settings.project(project), commit)
        return {**described, "message": f"{project} {commit[:7]} becomes {described['version']}"}
