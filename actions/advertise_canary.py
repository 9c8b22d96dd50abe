"""Step 13: advertise a published version to the canary ring."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class AdvertiseCanary(RunStep):
    def act(
        self, settings: Settings, project: str, version: str, package: str, new_history: bool, user: str
    ) -> dict[str, Any]:
        ring = Deploy(settings, project, user).advertise_canary(version, package, new_history).canary
        previous = ring.last_good.version if ring.last_good else ""
        return {
            "generation": ring.generation,
            "version": version,
            "previous": previous,
            "message": f"{project} {version} is advertised to canary (before: {previous or 'nothing'})",
        }
