"""Take over the lock of a project from its holder, or from the deploy that is under way."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.holds import ending
from cicd.release.record import Release


class StealLock(HoldAction):
    said = "{project} is locked by {user} now: {reason}. End it: " + ending("{project}", "lock")

    def change(self, controls: Controls, reason: str) -> Release:
        return controls.steal(reason)
