"""Advertise to a ring the last good version before the present one."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class AdvertisePreviousGood(CicdAction):
    def act(
        self, settings: Settings, project: str, ring: str, user: str, expected: str = ""
    ) -> dict[str, Any]:
        changed = Deploy(settings, project, user).roll_back(ring, expected=expected).ring(ring)
        version = changed.wanted.version if changed.wanted else ""
        return {
            "generation": changed.generation,
            "version": version,
            "message": f"{project} is rolled back to {version} on {ring}",
        }
