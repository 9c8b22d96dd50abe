"""Record that every host of a ring runs the advertised version and is healthy."""

from __future__ import annotations

from typing import Any

from cicd.action import DeployStep
from cicd.config import Settings
from cicd.deploy.deploy import Deploy
from cicd.sanitize import one_line


class ConfirmRing(DeployStep):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        changed, excused = Deploy(settings, project, user).confirm(ring, generation)
        self.follow(changed, ring)
        wanted = changed.ring(ring).wanted
        version = wanted.version if wanted else ""
        if not excused:
            return {"version": version, "message": f"{project} {version or 'nothing'} is healthy on {ring}"}
        names = one_line(", ".join(excused), 600)
        return {
            "version": version,
            "message": f"{project} {version} is healthy on {ring} but for {names}",
            "error": f"{project} {version} runs on {ring}, but not on {names}.",
            "hint": "They converge by themselves. "
            f"Or `st2 run cicd.retry_hosts project={project} ring={ring}`, "
            f"or `st2 run cicd.exclude_host project={project} host=… reason=…`.",
        }
