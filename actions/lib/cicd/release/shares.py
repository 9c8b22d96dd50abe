"""Every change of the share of requests that the canary gets, and when its next step is due. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from cicd.errors import Refused
from cicd.release import firing, guards, judging
from cicd.release.firing import Alarms
from cicd.release.lifecycle import Stage
from cicd.release.record import HEALTHY, Release, Ring
from cicd.release.traffic import Traffic, told
from cicd.release.verdict import BAD


def canary(release: Release) -> Stage:
    """Return the ring whose share can be set."""
    return release.lifecycle.stage(release.lifecycle.canary)


def set_share(
    release: Release, share: float | None, when: float, alarms: Alarms, by_steps: bool = False
) -> Release:
    """
    Return *release* with the *share* for its canary; what was found of it by its requests begins anew.

    What was found bad stays so. More is refused then, and unless the canary is healthy, nothing stops a
    deploy, and none of the *alarms* is about it. Less is refused only where nothing is on the canary.
    """
    name, current = canary(release).name, release.canary
    _refuse_more(release, current, share, alarms)
    number = release.generation + 1
    kept = current.judged if _is_bad(current) else None
    changed = replace(current, traffic=Traffic(number, share, when, by_steps), analysis=kept)
    return replace(release.with_ring(name, changed), generation=number)


def ended(release: Release, when: float) -> Release:
    """
    Return *release*, whose last change ended a deploy, without a share where there is nothing left to try.

    That is so once every production ring runs what the canary runs: its hosts serve as any other then.
    """
    name = canary(release).name
    current, productions = release.canary, [release.ring(one) for one in release.lifecycle.productions]
    if current.share is None or name in release.lifecycle.productions:
        return release
    if any(ring.state != HEALTHY or ring.wanted != current.wanted for ring in productions):
        return release
    return release.with_ring(name, replace(current, traffic=Traffic(release.generation, None, when)))


def next_share(release: Release, alarms: Alarms) -> float | None:
    """
    Return the share that the canary is to get now by itself; None when that is no other than it has.

    It is 0 once one of the *alarms* is about it, or it was found bad, and else the next step once it was
    found good at this one.
    """
    stage, current = canary(release), release.canary
    share = current.share
    if firing.about_canary(alarms) or _is_bad(current):
        return 0.0 if share else None
    if not stage.traffic or not _may_step(current) or _went_on(release, stage) or _is_held(release, current):
        return None
    higher = [step for step in stage.traffic if step > (share or 0.0)]
    if not higher or (share and not _is_good(current)):
        return None
    return higher[0]


def is_through(release: Release, ring: str) -> bool:
    """Return whether *ring* has no steps, or was found good at the last one, or at more."""
    steps, current = release.lifecycle.stage(ring).traffic, release.ring(ring)
    return not steps or (current.share is not None and current.share >= steps[-1] and _is_good(current))


def note(release: Release, late: Sequence[str]) -> str:
    """
    Return what there is to know of the canary's share, and who is *late* to apply it.

    It is empty where nobody wants one, and every load balancer knows.
    """
    stage, known = canary(release), release.canary.traffic
    if not known or (known.share is None and not late):
        return ""
    said = f"{stage.name} gets {told(known.share)}"
    higher = [step for step in stage.traffic if step > (known.share or 0.0)]
    if known.by_steps and higher and not _went_on(release, stage):
        what = "a good verdict" if known.share else "its deploy has ended well"
        said += f", and {higher[0]:g} % after {what}"
    return "; ".join([said, *late])


def _refuse_more(release: Release, current: Ring, share: float | None, alarms: Alarms) -> None:
    name, project, wanted = canary(release).name, release.project, current.wanted
    if wanted is None:
        raise Refused(
            f"{project} has nothing on {name}, so no requests can be sent there.",
            f"Deploy a version first: st2 run cicd.deploy project={project} version=…",
        )
    if share is not None and share <= (current.share or 0.0):
        return
    if current.state != HEALTHY:
        raise Refused(
            f"{project} {wanted.version} is not healthy on every {name} host, so it gets no more requests.",
            "Wait for its deploy, or correct what stopped it, then try again. Less can be set at any time.",
        )
    guards.refuse_deploy(release, wanted.version)
    judging.refuse_bad(release, name)
    for one in firing.about_canary(alarms)[:1]:
        raise Refused(
            f"{project} {wanted.version} gets no more requests while an alarm fires: {one.said}.",
            f"Correct what it is about. If its monitoring system died: {firing.ending(project, one)}",
        )


def _may_step(current: Ring) -> bool:
    """Whether the ring's steps decide: it is healthy, and nobody took over, nor is it a version of before."""
    took_over = current.traffic and not current.traffic.by_steps
    return current.state == HEALTHY and bool(current.wanted) and not current.backward and not took_over


def _went_on(release: Release, stage: Stage) -> bool:
    """Whether a later ring is wanted to run what it runs, or was rolled back from it: nothing is to try."""
    wanted = release.ring(stage.name).wanted
    went_back = wanted is not None and wanted.version in release.rolled_back
    return went_back or any(
        release.ring(name).wanted == wanted for name in release.lifecycle.followers(stage.name)
    )


def _is_held(release: Release, current: Ring) -> bool:
    """Whether somebody stops a deploy of what the ring wants: its step would be refused."""
    try:
        guards.refuse_deploy(release, current.wanted.version if current.wanted else "")
    except Refused:
        return True
    return False


def _is_bad(current: Ring) -> bool:
    return bool(current.judged and current.judged.outcome == BAD)


def _is_good(current: Ring) -> bool:
    """Whether it was found good by requests since its share is what it is."""
    known, since = current.judged, current.traffic.since if current.traffic else 0.0
    return bool(known and known.is_good(since))
