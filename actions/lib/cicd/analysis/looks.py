"""Which rings are to be looked at now: to begin an analysis, to go on with it, or to act on a bad one."""

from __future__ import annotations

from typing import Iterator, Tuple

from cicd.alarms import alarm, alarm_handler
from cicd.config import Settings
from cicd.deploy.lost_deploys import RingEvent
from cicd.release import guards, judging
from cicd.release.verdict import BAD
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

TRIGGER = "cicd.look_due"
TAKE_BACK = "roll back"  # it was found bad, and whoever found it died before it went back


class LookDue(RingEvent):
    """The ring that is to be looked at, and how many looks were taken of that generation before."""

    looks: int


def find(settings: Settings, store: Store) -> Iterator[Tuple[str, LookDue]]:
    """Yield the trigger for every ring that is to be looked at now."""
    for project in settings.projects.values():
        judged = [name for name in project.lifecycle.names if project.analysis_of(name).sources]
        if judged:
            seen = store.look(Look(project, hosts=False, more=alarm_handler.beginnings))
            for name in judged:
                if due(seen, name):
                    ring = seen.release.ring(name)
                    looks = ring.judged.looks if ring.judged else -1
                    yield (
                        TRIGGER,
                        LookDue(project=project.name, ring=name, generation=ring.generation, looks=looks),
                    )


def due(seen: Snapshot, ring: str) -> str:
    """Return what is due for *ring*: judging.BEGIN, judging.LOOK, TAKE_BACK or nothing."""
    policy, now = seen.project.analysis_of(ring), seen.now
    known = seen.release.ring(ring).judged
    if known and known.outcome == BAD:
        follows = alarm.answer(alarm_handler.context(seen), ring, now)
        return TAKE_BACK if policy.sources and follows.what == alarm.ROLL_BACK else ""
    bake = guards.bake(seen.release, ring, now, seen.project.min_bake_seconds)[1]
    return judging.due(seen.release, ring, policy, bake, now)
