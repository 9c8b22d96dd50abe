"""Take over a project that the 2015 pack deployed, as its hosts really run it."""

from __future__ import annotations

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import adopt


class AdoptRelease(CicdAction):
    def act(self, settings: Settings, project: str, apply: bool, user: str) -> adopt.Adoption:
        return adopt.adopt(settings, project, user, apply)
