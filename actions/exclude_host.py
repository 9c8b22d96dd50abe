"""Leave a host out of its ring."""

from __future__ import annotations

from cicd.action import HoldAction
from cicd.deploy.controls import Controls
from cicd.release.record import Release


class ExcludeHost(HoldAction):
    said = "{host} is left out of {project}'s deploys by {user}: {reason}"

    def change(self, controls: Controls, host: str, reason: str) -> Release:
        return controls.exclude(host, reason)
