"""End executions that StackStorm calls running, and that nobody runs any more."""

from __future__ import annotations

from typing import Any

from cicd import executions
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.stackstorm import StackStorm


class EndExecutions(CicdAction):
    def act(self, settings: Settings) -> dict[str, Any]:
        stackstorm = StackStorm()
        found = executions.stuck(settings, Store(settings), stackstorm)
        ended = executions.end(found, stackstorm)
        return {"ended": ended, "message": "\n".join(ended) or "no execution is dead"}
