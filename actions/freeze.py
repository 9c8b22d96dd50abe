"""Stop every promotion of a project until it is thawed."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class Freeze(HoldAction):
    said = "{project} is frozen by {user}: {reason}"

    def change(self, controls: Controls, reason: str) -> Release:
        return controls.hold("freeze", reason)
