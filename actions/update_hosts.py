"""Steps 15 and 19: let the hosts of a ring converge to the advertised version, in batches."""

from __future__ import annotations

from typing import Any

from cicd import rollout
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy
from cicd.ring import Host


class UpdateHosts(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        ring: str,
        generation: int,
        hosts: list[dict[str, str]],
        all_at_once: bool,
    ) -> dict[str, Any]:
        found, targets = settings.project(project), [Host(**host) for host in hosts]
        sizes = ["100%"] if all_at_once else list(settings.deploy["batches"])
        with Deploy(settings, project).holding(ring, generation) as still_ours:
            reports = rollout.update(settings, found, targets, generation, sizes, still_ours)
        names = ", ".join(host.name for host in targets)
        return {"hosts": reports, "message": f"{project} is updated on {ring}: {names}"}
