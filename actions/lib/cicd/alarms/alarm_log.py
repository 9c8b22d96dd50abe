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


def refuse(store: Store, reason: str, now: float, source: str = "alarm") -> None:
    """
    Keep that an alarm of *source* could not be used at all, and why.

    What was refused for the same reason before has no line of its own any more: it is often sent again,
    and would leave no room for others.
    """
    said = "" if source == "alarm" else f"of {source}"
    told: Entry = {"said": said, "decision": "ignore", "reason": one_line(reason)}
    for key, known in store.below(ALARMS, Entry).items():
        if (known.get("said"), known.get("reason")) == (told["said"], told["reason"]):
            store.delete(key)
    keep(store, ALARMS, KEPT, {**NO_PUSH, **told, "at": now, "source": source})
