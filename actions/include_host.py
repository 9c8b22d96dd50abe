"""Take a host back into its ring."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class IncludeHost(HoldAction):
    said = "{host} belongs to {project}'s deploys again, says {user}"

    def change(self, controls: Controls, host: str) -> Release:
        return controls.include(host)
