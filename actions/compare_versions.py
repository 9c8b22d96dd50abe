"""Show the commits between two versions of a project."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import commits


class CompareVersions(CicdAction):
    def act(self, settings: Settings, project: str, from_version: str, to_version: str) -> dict[str, Any]:
        old, new = commits.chosen(settings, project, from_version, to_version)
        found = commits.between(settings, project, old, new)
        return {**found, "message": commits.message(found)}
