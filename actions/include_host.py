"""Take a host back into its ring."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class IncludeHost(HoldAction):
    said = "{host} is part of {project}'s deploys again, included by {user}"

    def change(self, controls: Controls, host: str) -> Release:
        return controls.include(host)
