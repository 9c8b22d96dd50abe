"""Steps 14 and 19: ask Consul for the hosts of a ring."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy


class FindHosts(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, reachable_only: bool) -> dict[str, Any]:
        hosts = Deploy(settings, project).hosts(ring, reachable_only)
        names = ", ".join(host.name for host in hosts)
        return {"hosts": [asdict(host) for host in hosts], "message": f"{project}'s {ring} ring: {names}"}
