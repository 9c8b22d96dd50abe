"""Record that every host of a ring runs the advertised version and is healthy."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import Deploy
from cicd.text import one_line


class ConfirmRing(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        ring: str,
        generation: int,
        user: str,
        reachable_only: bool,
        excused: list[str],
    ) -> dict[str, Any]:
        changed = Deploy(settings, project, user).confirm(ring, generation, reachable_only, excused)
        wanted = changed.ring(ring).wanted
        version = wanted.version if wanted else ""
        result = {"version": version, "message": f"{project} {version or 'nothing'} is healthy on {ring}"}
        if excused:
            result["error"] = (
                f"{project} {version} runs on {ring}, but not on {one_line(', '.join(excused), 600)}."
            )
            result["hint"] = (
                f"They converge by themselves. Or `st2 run cicd.retry_hosts project={project} ring={ring}`, "
                f"or `st2 run cicd.exclude_host project={project} host=… reason=…`."
            )
        return result
