"""Decide whether an alarm takes a ring back, and advertise the earlier version to it if so."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.alarms import alarm_handler
from cicd.config import Settings


class HandleAlarm(CicdAction):
    def act(self, settings: Settings, user: str, **given: str) -> dict[str, Any]:
        outcome = alarm_handler.take(settings, given, user)
        alarm, decision = outcome.alarm, outcome.decision
        return {
            "decision": decision.what,
            "ring": decision.ring,
            "generation": decision.generation,
            "version": decision.version,
            "reason": decision.reason,
            "tell": outcome.tell,
            "message": f"{alarm.project}: {alarm.said} is {alarm.status}; {decision.what}: {decision.reason}",
        }
