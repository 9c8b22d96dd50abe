"""Keep production at a version until it is unpinned."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class PinVersion(HoldAction):
    said = "{project} is pinned to {version} by {user}: {reason}"

    def change(self, controls: Controls, version: str, reason: str) -> Release:
        return controls.hold("pin", reason, version)
