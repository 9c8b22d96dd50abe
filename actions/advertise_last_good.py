"""Advertise again what a ring last ran well, after a deploy of it failed."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.deploy import Deploy
from cicd.errors import CicdError, Overtaken
from cicd.release import going_back
from cicd.release.record import STOPPED, Release


class AdvertiseLastGood(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        try:
            changed = Deploy(settings, project, user).restore(ring, generation)
        except Overtaken as overtaken:  # whoever took over says how the ring goes on
            return {"generation": generation, "version": "", "stopped": True, "message": overtaken.message}
        going_back.refuse_failed(changed, ring)
        return _said(changed, project, ring)

    def explain(self, settings: Settings, error: CicdError, **parameters: Any) -> CicdError:
        return going_back.loud(error, parameters["project"], parameters["ring"])


def _said(changed: Release, project: str, ring: str) -> dict[str, Any]:
    current = changed.ring(ring)
    stopped, version = current.state == STOPPED, current.wanted.version if current.wanted else ""
    said = "stays stopped" if stopped else f"is advertised as {version or 'nothing'} again"
    return {
        "generation": current.generation,
        "version": "" if stopped else version,
        "stopped": stopped,
        "message": f"{project} on {ring} {said}",
    }
