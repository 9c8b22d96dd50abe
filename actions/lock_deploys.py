"""Stop every deploy of a project until it is unlocked."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class LockDeploys(HoldAction):
    said = "{project} is locked by {user}: {reason}"

    def change(self, controls: Controls, reason: str) -> Release:
        return controls.hold("lock", reason)
