"""Let a version that was vetoed reach a ring again."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class LiftVeto(HoldAction):
    said = "The veto on {project} {version} is lifted by {user}: {reason}"

    def change(self, controls: Controls, version: str, reason: str) -> Release:
        return controls.lift_veto(version, reason)
