"""What was decided on every alarm, in Consul, beside what was decided on pushes."""

from __future__ import annotations

from cicd.alarms.alarm import Alarm, Decision
from cicd.ci.event_log import ALARMS, NO_PUSH, Entry, keep
from cicd.sanitize import one_line
from cicd.store.store import Store

KEPT = 100


def record(store: Store, alarm: Alarm, decision: Decision, who: str, now: float) -> None:
    """Keep what was decided on *alarm*, which *who* reported."""
    said: Entry = {"said": f"{alarm.said} {alarm.status}", "project": alarm.project, "ring": decision.ring}
    told: Entry = {"decision": decision.what, "reason": one_line(decision.reason)}
    keep(
        store,
        ALARMS,
        KEPT,
        {**NO_PUSH, **said, **told, "at": now, "source": alarm.source, "user": who},
    )


def refuse(store: Store, reason: str, now: float) -> None:
    """Keep that an alarm could not be used at all, and why."""
    told: Entry = {"said": "", "decision": "ignore", "reason": one_line(reason)}
    keep(store, ALARMS, KEPT, {**NO_PUSH, **told, "at": now, "source": "alarm"})
