"""Forbid a version to reach any ring, until somebody lifts that."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class VetoVersion(HoldAction):
    said = "{project} {version} is vetoed by {user}: {reason}"

    def change(self, controls: Controls, version: str, reason: str) -> Release:
        return controls.hold("veto", reason, version)
