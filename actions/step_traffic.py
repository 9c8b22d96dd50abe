"""Send the canary the share of the requests that is due by itself."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import traffic_shares


class StepTraffic(CicdAction):
    def act(self, settings: Settings, project: str, due: int, user: str) -> dict[str, Any]:
        return traffic_shares.step(settings, project, due, user).as_result
