"""End executions that StackStorm calls running, and that nobody runs any more."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.clients.stackstorm import StackStorm
from cicd.config import Settings
from cicd.deploy import executions
from cicd.store.store import Store


class EndExecutions(CicdAction):
    def act(self, settings: Settings) -> dict[str, Any]:
        stackstorm = StackStorm()
        found = executions.stuck(settings, Store(settings), stackstorm)
        ended = executions.end(found, stackstorm)
        return {"ended": ended, "message": "\n".join(ended) or "no execution is dead"}
