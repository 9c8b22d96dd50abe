"""Step 13: advertise a published version to the first ring, the canary."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class AdvertiseCanary(RunStep):
    def act(
        self, settings: Settings, project: str, version: str, package: str, new_history: bool, user: str
    ) -> dict[str, Any]:
        known = Deploy(settings, project, user).advertise_canary(version, package, new_history)
        first, ring = known.first, known.lifecycle.first
        previous = first.last_good.version if first.last_good else ""
        return {
            "ring": ring,
            "generation": first.generation,
            "version": version,
            "previous": previous,
            "message": f"{project} {version} is advertised to {ring} (before: {previous or 'nothing'})",
        }
