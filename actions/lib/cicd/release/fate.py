"""What becomes of a ring without anybody asking, in every state that a deploy can be left in. Pure."""

from __future__ import annotations

from cicd.release.record import DEGRADED, DEPLOYING, RESTORING, STOPPED, Ring
from cicd.release.rollout_record import CANCELLED, RUNNING, SILENT_SECONDS, RolloutRecord, quiet_seconds

DRIVEN = "driven"  # a step is at work, or about to be: leave it alone
TAKE_BACK = "roll back"  # nobody drives it any more: undo the deploy, or begin going back again
CONFIRM = "confirm"  # its hosts got well by themselves: say so
HOSTS = "hosts"  # its hosts converge by themselves; wait for them
PERSON = "person"  # it stopped: a person says how it goes on
ENDED = "ended"

QUIET_SECONDS = 20  # a rollout that has just ended is confirmed by its own deploy


def of(ring: Ring, known: RolloutRecord, now: float, lost_after: float, is_well: bool) -> str:
    """
    Return what becomes of *ring*, whose rollout's record is *known*.

    *is_well* says whether every host of it runs what is wanted, healthy. An empty record is of
    a rollout that never began.
    """
    if ring.state not in (DEPLOYING, RESTORING, DEGRADED, STOPPED):
        return ENDED
    quiet = quiet_seconds(known, ring.since, now)
    at_work = known.get("state") == RUNNING and quiet < lost_after
    if ring.state in (DEPLOYING, RESTORING) and known.get("state") == CANCELLED:
        return TAKE_BACK
    if ring.is_open and ring.wanted and is_well and quiet >= QUIET_SECONDS and not at_work:
        return CONFIRM
    if ring.state in (DEPLOYING, RESTORING):
        return DRIVEN if quiet < lost_after else TAKE_BACK
    return HOSTS if ring.is_open else PERSON


def silence(ring: Ring, known: RolloutRecord, now: float, lost_after: float) -> str:
    """Return that the deploy to *ring* seems dead, and what becomes of it; empty when it does not."""
    if ring.state not in (DEPLOYING, RESTORING):
        return ""
    quiet = quiet_seconds(known, ring.since, now)
    if known.get("state") == CANCELLED:
        return "its deploy was cancelled; it is rolled back by itself"
    if quiet < SILENT_SECONDS:
        return ""
    left = max(0.0, lost_after - quiet)
    silent = f"its deploy gave no sign of life for {quiet:.0f} s"
    return f"{silent}; it is rolled back by itself in about {left:.0f} s"
