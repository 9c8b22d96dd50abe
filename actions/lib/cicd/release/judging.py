"""What follows from an analysis: when a ring is looked at, and which promotion is refused. Pure."""

from __future__ import annotations

import math

from cicd.clock import SKEW_SECONDS
from cicd.errors import Refused
from cicd.release.analysis import Analysis
from cicd.release.analysis_policy import REFUSE, WAIT, AnalysisPolicy
from cicd.release.record import DEGRADED, HEALTHY, Release
from cicd.release.verdict import BAD, GOOD

BEGIN, LOOK = "begin", "look"


def due(release: Release, ring: str, policy: AnalysisPolicy, bake: int, now: float) -> str:
    """
    Return whether the analysis of *ring* is to BEGIN or to LOOK *now*, or nothing; it bakes *bake* seconds.

    A version that came to a ring after this one is not looked at here any more.
    """
    current, known = release.ring(ring), release.ring(ring).judged
    if not policy.sources or not current.wanted or current.state not in (HEALTHY, DEGRADED):
        return ""
    if any(release.ring(name).wanted == current.wanted for name in release.lifecycle.followers(ring)):
        return ""
    if known is None or known.began - now > SKEW_SECONDS:
        return BEGIN
    if known.is_over:
        return BEGIN if policy.inconclusive == WAIT and known.outcome not in (GOOD, BAD) else ""
    return LOOK if now >= next_look(known, policy.seconds(bake)) else ""


def next_look(known: Analysis, seconds: int) -> float:
    """Return when the look after those that are *known* is due, of looks that are spread over *seconds*."""
    return known.began + (known.looks + 1) * seconds / known.planned


def refuse_bad(release: Release, ring: str) -> None:
    """Raise Refused when what *ring* wants was found bad, whether that was required or not."""
    current = release.ring(ring)
    if current.wanted and current.judged and current.judged.outcome == BAD:
        raise Refused(
            f"{release.project} {current.wanted.version} failed its analysis on {ring}: "
            f"{current.judged.reason}.",
            "Push a corrected commit.",
        )


def refuse_unjudged(
    release: Release, ring: str, policy: AnalysisPolicy, bake: int, now: float, by_itself: bool
) -> None:
    """
    Raise Refused unless what *ring* wants is good enough for a promotion by the *policy* of the ring.

    Where nothing is certain after all looks, the policy may let a person promote, but nothing *by_itself*.
    So it is with a project's first version, whatever the policy says: there is nothing to compare it with.
    """
    current, known = release.ring(ring), release.ring(ring).judged
    if not policy.sources or not policy.required or not current.wanted:
        return
    if known is None:
        raise _unknown(release, ring)
    if known.outcome == GOOD:
        return
    if not known.is_over:
        left = max(0, math.ceil(known.began + policy.seconds(bake) - now))
        raise Refused(
            f"{release.project} {current.wanted.version} is being judged on {ring}: {counted(known)}.",
            f"Promote again in {left} s.",
        )
    if by_itself or (policy.inconclusive in (WAIT, REFUSE) and _has_others(release, ring)):
        raise _uncertain(release, ring, known, policy)


def _has_others(release: Release, ring: str) -> bool:
    return any(release.ring(name).wanted for name in release.lifecycle.names if name != ring)


def counted(known: Analysis) -> str:
    """Return what is *known*, in words: the outcome, how many looks it is of, and why."""
    why = known.reason or "it has begun"
    return f"{known.outcome} after {known.looks} of {known.planned} measurements: {why}"


def _unknown(release: Release, ring: str) -> Refused:
    wanted = release.ring(ring).wanted
    return Refused(
        f"{release.project} {wanted.version if wanted else ''} has not been judged on {ring} yet.",
        "Its analysis begins by itself within a minute; if it does not: st2 run cicd.check_setup",
    )


def _uncertain(release: Release, ring: str, known: Analysis, policy: AnalysisPolicy) -> Refused:
    wanted, project = release.ring(ring).wanted, release.project
    version = wanted.version if wanted else ""
    hints = {
        WAIT: "It is judged again by itself.",
        REFUSE: f"With more requests it is certain. Judge it again: st2 run cicd.deploy project={project} "
        f"version={version}",
    }
    hint = hints.get(policy.inconclusive, "A person decides whether it is promoted.")
    return Refused(f"{project} {version} is neither good nor bad on {ring}, {counted(known)}.", hint)
