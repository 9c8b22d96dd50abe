"""Approve the canary of a project, so that it may be promoted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class Approve(CicdAction):
    def act(self, settings: Settings, project: str, version: str, reason: str, user: str) -> dict[str, Any]:
        changed = Controls(settings, project, user).approve(version, reason)
        given = sorted(who for who, review in changed.reviews_of(version).items() if review.approves)
        wanted = settings.project(project).approval.count
        return {
            "reviews": {who: asdict(review) for who, review in changed.reviews_of(version).items()},
            "message": f"{project} {version} is approved by {', '.join(given)} ({wanted} needed)",
        }
