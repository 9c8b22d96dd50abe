"""Steps 14 and 19: ask Consul for the hosts of a ring."""

from __future__ import annotations

from typing import Any

from cicd.action import DeployStep
from cicd.config import Settings
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy
from cicd.errors import CicdError
from cicd.release.record import DEPLOYING
from cicd.sanitize import one_line


class FindHosts(DeployStep):
    def act(
        self, settings: Settings, project: str, ring: str, retry: bool, names: list[str]
    ) -> dict[str, Any]:
        seen = Deploy(settings, project).look()
        if seen.release.ring(ring).state == DEPLOYING:
            self.follow(seen.release, ring)
        found = commands.hosts_to_retry(seen, ring, names) if retry else seen.updated_hosts(ring)
        hosts = [host.name for host in found]
        return {
            "hosts": hosts,
            "generation": seen.release.ring(ring).generation,
            "message": f"{project}'s {ring} ring: {one_line(', '.join(hosts), 1000) or 'none'}",
        }

    def explain(self, settings: Settings, error: CicdError, **parameters: Any) -> CicdError:
        # A retry is no step of the deploy.
        return error if parameters["retry"] else super().explain(settings, error, **parameters)
