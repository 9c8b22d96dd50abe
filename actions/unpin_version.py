"""End the pin of a project."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class UnpinVersion(HoldAction):
    said = "{project} is unpinned by {user}"

    def change(self, controls: Controls) -> Release:
        return controls.end_hold("pin")
