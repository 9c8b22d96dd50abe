"""Look once at what a ring's figures say, and advertise the earlier version to it if it is bad."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.analysis import analyst
from cicd.clients.stackstorm import own_execution
from cicd.config import Settings


class LookAtCanary(CicdAction):
    def act(self, settings: Settings, project: str, ring: str, generation: int, user: str) -> dict[str, Any]:
        outcome = analyst.take(settings, project, ring, generation, user, own_execution())
        found, decision = outcome.found, outcome.decision
        return {
            "outcome": found.outcome if found else "",
            "looks": found.looks if found else 0,
            "decision": decision.what,
            "ring": ring,
            "generation": decision.generation,
            "version": decision.version,
            "reason": decision.reason,
            "tell": outcome.tell,
            "message": f"{project} on {ring}: {outcome.said}",
        }
