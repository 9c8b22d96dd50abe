"""Step 7: ask Consul for a healthy host to build on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.build import find_host
from cicd.config import Settings
from cicd.consul import Store


class FindBuildHost(CicdAction):
    def act(self, settings: Settings, project: str, commit: str) -> dict[str, Any]:
        section = settings.package
        host = find_host(Store(settings), str(section["service"]), str(section["tag"]), commit)
        return {"host": asdict(host), "message": f"{project} {commit[:7]} is built on {host.name}"}
