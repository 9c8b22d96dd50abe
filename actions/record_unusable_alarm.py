"""Keep for list_events that an alarm could not be used, and why."""

from __future__ import annotations

import time

from cicd.action import CicdAction
from cicd.alarms import alarm_log
from cicd.config import Settings
from cicd.store.store import Store


class RecordUnusableAlarm(CicdAction):
    def act(self, settings: Settings, source: str, reason: str) -> dict[str, str]:
        alarm_log.refuse(Store(settings), reason, time.time(), source)
        return {"message": f"An alarm of {source} cannot be used: {reason}."}
