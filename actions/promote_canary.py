"""Step 18: advertise to production the version that runs on canary."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class PromoteCanary(CicdAction):
    def act(self, settings: Settings, project: str, user: str, plan: str) -> dict[str, Any]:
        ring = Deploy(settings, project, user).promote(plan).production
        assert ring.wanted is not None
        previous = ring.last_good.version if ring.last_good else ""
        return {
            "generation": ring.generation,
            "version": ring.wanted.version,
            "previous": previous,
            "trace": ring.wanted.trace,
            "message": f"{project} {ring.wanted.version} is advertised to production "
            f"(before: {previous or 'nothing'})",
        }
