"""How far the run of a commit came on the way of 19 steps. Pure."""

from __future__ import annotations

from typing import NamedTuple

from cicd.ci import progress, run
from cicd.ci.run import Run
from cicd.ci.step_times import BAKES, CI_PASSED, CLEANED, FIRST, LAST, NUMBERS
from cicd.release.record import DEPLOYING, HEALTHY, Release, Ring
from cicd.release.stop import Stop

DONE, ACTIVE, WAITING, FAILED, OVER = "done", "active", "waiting", "failed", "over"
STAGES = {run.ACCEPTED: 3, run.WAITING: 3, run.STARTING: 3, run.BUILDING: 4, run.FAILED: 4, run.SUPERSEDED: 3}
STEPS = {**NUMBERS, progress.PUBLISHED: NUMBERS[progress.ADVERTISE]}
ALL = range(1, LAST + 1)


class Step(NamedTuple):
    """The number of a step, from 1 to 19, how it is there, and that in a word or two."""

    number: int
    state: str
    said: str


def of(release: Release, known: Run, ended: Stop | None) -> Step:
    """Return the step that the run *known* is at, or that stopped it."""
    if known.stage != run.PASSED:
        return _of_ci(known)
    on_ring = _on_rings(release, known.version)
    if on_ring and not (ended and on_ring.number == FIRST):
        return on_ring
    if ended:
        return Step(_stopped_at(release, known, ended), FAILED, f"stopped at {ended.step}")
    if LAST in known.times:
        return Step(LAST, DONE, f"was on {release.lifecycle.names[-1]}")
    if FIRST in known.times:
        return Step(FIRST, OVER, "replaced by another version")
    if not known.deploy and known.step == progress.PUBLISHED:
        return Step(CLEANED, DONE, "published")
    return Step(STEPS.get(known.step, CI_PASSED), ACTIVE, known.step or "CI passed")


def _stopped_at(release: Release, known: Run, ended: Stop) -> int:
    """Where a ring is named, it was in the middle of that ring's update."""
    ring, colon, _ = ended.step.partition(": ")
    if colon:
        return FIRST if ring == release.lifecycle.first else LAST
    return STEPS.get(known.step, CI_PASSED)


def state(at: Step, number: int) -> str:
    """Return how step *number* is in a run that is *at* another one, or at it; empty while it is to come."""
    if number == at.number:
        return at.state
    return DONE if number < at.number else ""


def _of_ci(known: Run) -> Step:
    number = STAGES[known.stage]
    if known.stage == run.FAILED:
        return Step(number, FAILED, f"CI: {known.status or 'failed'}")
    if known.stage == run.SUPERSEDED:
        return Step(number, OVER, f"superseded by {known.by[:7]}" if known.by else "superseded")
    return Step(number, ACTIVE if known.stage == run.BUILDING else WAITING, known.stage)


def _on_rings(release: Release, version: str) -> Step | None:
    """Return how far *version* came on the rings, when one of them wants it."""
    names = release.lifecycle.names
    rings = [release.ring(name) for name in names]
    at = [number for number, ring in enumerate(rings) if _wants(ring, version)]
    if not version or not at:
        return None
    ring, name = rings[at[-1]], names[at[-1]]
    number = FIRST if at[-1] == 0 else LAST
    if ring.state == DEPLOYING:
        return Step(number, ACTIVE, f"{name} is updated")
    if ring.state != HEALTHY:
        return Step(number, FAILED, f"{name} is {ring.state}")
    is_last = at[-1] == len(names) - 1
    return Step(LAST, DONE, f"on {name}") if is_last else Step(BAKES, WAITING, f"bakes on {name}")


def _wants(ring: Ring, version: str) -> bool:
    return bool(ring.wanted and ring.wanted.version == version)
