"""Send the canary of a project a share of the requests."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import traffic_shares
from cicd.release import traffic


class SetTraffic(CicdAction):
    def act(self, settings: Settings, project: str, share: str, user: str) -> dict[str, Any]:
        return traffic_shares.set_share(settings, project, traffic.parse(share), user).as_result
