"""Step 7: ask Consul for a healthy host to build on, the least busy one."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.builders import Builders
from cicd.config import Settings


class FindBuildHost(CicdAction):
    def act(
        self, settings: Settings, project: str, commit: str, run: str, excluded: list[str]
    ) -> dict[str, Any]:
        host = Builders(settings).take(run, commit, excluded)
        where = {"name": host.name, "address": host.address}
        return {"host": where, "message": f"{project} {commit[:7]} is built on {host.name}"}
