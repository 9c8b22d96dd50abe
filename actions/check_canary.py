"""Step 16: refuse unless the canary is healthy on every host, without alarm, for long enough."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy


class CheckCanary(CicdAction):
    def act(self, settings: Settings, project: str, plan: str) -> dict[str, Any]:
        if plan:
            # Asking hosts takes SSH, whose import takes as long as all else here.
            from cicd.deploy.plan import refuse_moved

            refuse_moved(settings, project, plan)
        seen = Deploy(settings, project).look_at_canary()
        build, healthy = commands.promotable(seen), round(seen.now - seen.release.canary.since, 1)
        hosts = [host.name for host in seen.hosts("canary")]
        said = f"{project} {build.version} is healthy on {', '.join(hosts)} for {healthy:.0f} s"
        return {
            "version": build.version,
            "commit": build.commit,
            "trace": build.trace,
            "healthy_seconds": healthy,
            "hosts": hosts,
            "message": f"{said}: it may be promoted",
        }
