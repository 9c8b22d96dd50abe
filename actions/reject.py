"""Reject the canary of a project; it is not promoted then."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy.controls import Controls


class Reject(CicdAction):
    def act(self, settings: Settings, project: str, version: str, reason: str, user: str) -> dict[str, Any]:
        changed = Controls(settings, project, user).reject(version, reason)
        return {
            "reviews": {who: asdict(review) for who, review in changed.reviews_of(version).items()},
            "message": f"{project} {version} is rejected by {user}: {reason}",
        }
