"""Show what a deploy would do, and which guard would refuse it; change nothing."""

from __future__ import annotations

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.deploy import plan


class PlanDeploy(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, version: str) -> plan.PlanResult:
        return plan.as_result(settings, plan.make(settings, project, ring, version))
