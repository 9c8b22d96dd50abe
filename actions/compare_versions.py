"""Show the commits between two versions of a project."""

from __future__ import annotations

from typing import Any

from cicd import compare
from cicd.action import CicdAction
from cicd.config import Settings


class CompareVersions(CicdAction):
    def act(self, settings: Settings, project: str, from_version: str, to_version: str) -> dict[str, Any]:
        old, new = compare.chosen(settings, project, from_version, to_version)
        found = compare.between(settings, project, old, new)
        return {**found, "message": compare.message(found)}
