"""Step 16: refuse unless the canary is healthy on every host, without alarm, for long enough."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class CheckCanary(CicdAction):
    def act(self, settings: Settings, project: str, plan: str) -> dict[str, Any]:
        if plan:
            # Asking hosts takes SSH, whose import takes as long as all else here.
            from cicd.deploy.plan import refuse_moved

            refuse_moved(settings, project, plan)
        canary = Deploy(settings, project).check_canary()
        hosts = ", ".join(canary["hosts"])
        said = f"{project} {canary['version']} is healthy on {hosts} for {canary['healthy_seconds']:.0f} s"
        return {**canary, "message": f"{said}: it may be promoted"}
