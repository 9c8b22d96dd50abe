"""Step 9: check the project's contract and read its package metadata."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.package import architectures, build
from cicd.release.host import Host


class ReadMetadata(RunStep):
    def act(
        self, settings: Settings, project: str, commit: str, run: str, host: dict[str, str]
    ) -> dict[str, Any]:
        where = (settings, Host(**host), run, settings.project(project), commit)
        there, described = architectures.settle(*where, build.read_metadata(*where))
        said = f"{project} {commit[:7]} becomes {described['version']}"
        moved = f"; {there.name} builds it, for {described['metadata']['architecture']}"
        return {
            **described,
            "host": {"name": there.name, "address": there.address},
            "message": said + (moved if there.name != host["name"] else ""),
        }
