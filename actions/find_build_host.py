"""Step 7: see that the commit may be packaged, and ask Consul for a healthy host to build it on."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci.ci_gate import CiGate
from cicd.config import Settings
from cicd.package.build_hosts import Builders


class FindBuildHost(RunStep):
    def act(
        self, settings: Settings, project: str, commit: str, run: str, excluded: list[str], user: str
    ) -> dict[str, Any]:
        CiGate(settings).clearance(settings.project(project), commit)
        host = Builders(settings).take(run, commit, excluded)
        where = {"name": host.name, "address": host.address}
        return {"host": where, "message": f"{project} {commit[:7]} is built on {host.name}"}
