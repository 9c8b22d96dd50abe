"""Going back, in words: whether a ring can, what people say for it, and that it failed. Pure."""

from __future__ import annotations

from typing import Callable

from cicd.errors import CicdError, Refused, WentBackBadly
from cicd.release import holds, transitions
from cicd.release.record import STOPPED, Release


def refuse_failed(known: Release, ring: str) -> None:
    """Raise WentBackBadly when *ring* is stopped because going back failed."""
    if known.ring(ring).state == STOPPED and (said := failure(known, ring)):
        raise WentBackBadly(said, ways_on(known, ring))


def failure(known: Release, ring: str) -> str:
    """Return that going back failed on *ring*, what from and why; empty when it did not."""
    ended = known.ring(ring).stop
    if ended is None or not ended.back:
        return ""
    said = f"ROLLBACK FAILED: {known.project} on {ring} is {known.ring(ring).state}: {ended.back}"
    if ended.back == ended.sentence:
        return said
    return f"{said} Before that, {ended.version or 'the deploy'} failed {ended.sentence}"


def ways_on(known: Release, ring: str) -> str:
    """Return what a person can do about a *ring* that is stopped; each of it is accepted now."""
    name, current = known.project, known.ring(ring)
    lock = known.holds.lock
    ways = (
        [f"When the lock by {lock.who or 'someone'} is over: {holds.ending(name, 'lock')}."] if lock else []
    )
    ways.append("Push a corrected commit.")
    if current.wanted and _accepts(lambda: transitions.refuse_overtaken(known, ring, current.generation)):
        ways.append(f"If its hosts were at fault: st2 run cicd.retry_hosts project={name} ring={ring}")
    back = way_back(known, ring)
    if back:
        ways.append(f"To roll back: {back}")
    return " ".join(ways)


def way_back(known: Release, ring: str) -> str:
    """Return what takes *ring* back now, if need be past a veto that is lifted; empty when nothing does."""
    if can(known, ring):
        return f"`{holds.rollback(known.project, ring)}`"
    current = known.ring(ring)
    for build in (current.last_good, current.previous_good):
        if build and build != current.wanted and build.version in known.holds.vetoes:
            lifting = holds.lifting(known.project, build.version)
            return f"{lifting}, then `{holds.rollback(known.project, ring)}`"
    return ""


def can(known: Release, ring: str) -> bool:
    """Whether a person's rollback of *ring* is accepted now."""
    return _accepts(lambda: transitions.roll_back(known, ring, known.ring(ring).since))


def loud(error: CicdError, project: str, ring: str) -> CicdError:
    """Return *error*, which a step of going back ended with, as what is told: that comes first."""
    if isinstance(error, WentBackBadly):
        return error
    return WentBackBadly(
        f"ROLLBACK FAILED: {project} on {ring}. {error.message}",
        f"{error.hint} The rollback starts again by itself; see: st2 run cicd.get_release project={project}",
        **error.details,
    )


def _accepts(command: Callable[[], object]) -> bool:
    try:
        command()
    except Refused:
        return False
    return True
