"""Advertise a published version to production past every guard but a veto: for a role, with a reason."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class AdvertiseBreakGlass(CicdAction):
    def act(
        self, settings: Settings, project: str, version: str, role: str, reason: str, user: str
    ) -> dict[str, Any]:
        ring = Deploy(settings, project, user).break_glass(version, role, reason).production
        previous = ring.last_good.version if ring.last_good else ""
        return {
            "generation": ring.generation,
            "version": version,
            "previous": previous,
            "trace": ring.wanted.trace if ring.wanted else "",
            "message": f"BREAK GLASS: {user}, as {role}, sends {project} {version} to production past "
            f"every guard (before: {previous or 'nothing'}): {reason}",
        }
