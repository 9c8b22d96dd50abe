"""Steps 15 and 19: let the hosts of a ring converge to the advertised version, in batches."""

from __future__ import annotations

from typing import Any

from cicd.action import DeployStep
from cicd.clients.muting import muted
from cicd.config import Settings
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy
from cicd.fleet import rollout_summary
from cicd.fleet.rollout import Order, Rollout
from cicd.release.record import DEPLOYING


class UpdateHosts(DeployStep):
    def act(
        self,
        settings: Settings,
        project: str,
        ring: str,
        generation: int,
        hosts: list[str],
    ) -> dict[str, Any]:
        deploy = Deploy(settings, project)
        seen = deploy.look()
        if seen.release.ring(ring).state == DEPLOYING:
            self.follow(seen.release, ring)
        chosen, backward = commands.named_hosts(seen, ring, hosts), seen.release.ring(ring).backward
        limit = seen.deploy(ring).time_limit
        with deploy.holding_lock(ring, generation) as still_ours, muted(
            settings, project, chosen, limit
        ) as untold:
            order = Order(deploy.project, ring, generation, chosen, backward)
            reports = Rollout(settings, order, self.is_cancelled, still_ours).run()
        failed = rollout_summary.failures(reports)
        said = f"; failed: {rollout_summary.sentence(reports)}" if failed else ""
        said += f"; {untold}" if untold else ""
        good = f"{len(reports) - len(failed)} of {len(hosts)}"
        return {
            **rollout_summary.summary(reports, 0),
            "message": f"{project} is updated on {good} hosts of {ring}{said}",
        }
