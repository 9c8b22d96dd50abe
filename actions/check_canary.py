"""Step 16: refuse unless what is to be promoted is healthy on every host, without alarm, for long enough."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy


class CheckCanary(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, done: list[str], plan: str) -> dict[str, Any]:
        deploy = Deploy(settings, project)
        seen, is_last = deploy.look_before_promotion(), True
        if not ring:
            ring, is_last = commands.next_production(seen.release, done)
        if plan:
            # Asking hosts takes SSH, whose import takes as long as all else here.
            from cicd.deploy.plan import refuse_moved

            refuse_moved(settings, project, ring, plan)
            seen = deploy.look_before_promotion()
        build, before = commands.promotable(seen, ring), seen.release.lifecycle.stage(ring).after
        healthy = round(seen.now - max(seen.release.ring(name).since for name in before), 1)
        hosts = sorted(host.name for name in before for host in seen.hosts(name))
        said = f"{project} {build.version} is healthy on {', '.join(hosts)} for {healthy:.0f} s"
        return {
            "ring": ring,
            "is_last": is_last,
            "version": build.version,
            "commit": build.commit,
            "trace": build.trace,
            "healthy_seconds": healthy,
            "hosts": hosts,
            "message": f"{said}: it may be promoted to {ring}",
        }
