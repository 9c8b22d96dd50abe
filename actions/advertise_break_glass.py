"""Advertise a published version to production past every guard but a veto: for a role, with a reason."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy


class AdvertiseBreakGlass(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        version: str,
        role: str,
        reason: str,
        ring: str,
        user: str,
    ) -> dict[str, Any]:
        known = Deploy(settings, project, user).break_glass(version, role, reason, ring_name=ring)
        changed = known.ring(ring)
        previous = changed.last_good.version if changed.last_good else ""
        return {
            "generation": changed.generation,
            "version": version,
            "previous": previous,
            "trace": changed.wanted.trace if changed.wanted else "",
            "message": f"BREAK GLASS: {user}, as {role}, sends {project} {version} to {ring} past "
            f"every guard (before: {previous or 'nothing'}): {reason}",
        }
