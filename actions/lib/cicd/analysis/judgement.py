"""What the figures of one source say: requests by the rule, and events that should not happen. Pure."""

from __future__ import annotations

from cicd.analysis.asked import Asked
from cicd.release.analysis import Counts, Observation
from cicd.release.verdict import (
    BAD,
    FEWEST_FAILURES,
    GOOD,
    INCONCLUSIVE,
    Sample,
    Verdict,
    together,
    verdict,
)


def of_requests(
    asked: Asked, source: str, canary: Counts, baseline: Counts, trouble: str = ""
) -> Observation:
    """
    Return what requests to the *canary* and to the *baseline* say at this look.

    With *trouble*, in words, some requests are not among them: it may be bad then, but not good.
    """
    found = [_share(asked, canary.failures, canary.requests, baseline.failures, baseline.requests, "failed")]
    if canary.slow is not None and baseline.slow is not None:
        slow = f"took over {asked.policy.slow_ms} ms"
        found.append(_share(asked, canary.slow, canary.requests, baseline.slow, baseline.requests, slow))
    return _observed(asked, source, _doubted(together(found), trouble), canary, baseline)


def of_events(
    asked: Asked, source: str, canary: Counts, baseline: Counts, what: str, trouble: str = ""
) -> Observation:
    """
    Return what the events called *what* say: the `failures` of as many hosts as `requests`.

    Some are bad where the other hosts have fewer; at the last look a canary without is good.
    """
    said = f"{canary.failures} {what} on {canary.requests} canary hosts, {baseline.failures} on the others"
    return _observed(
        asked, source, _doubted(Verdict(_events(asked, canary, baseline), said), trouble), canary, baseline
    )


def unknown(asked: Asked, source: str, why: str) -> Observation:
    """Return that *source* saw nothing, and *why*."""
    return _observed(asked, source, Verdict(INCONCLUSIVE, why), Counts(), Counts())


def _share(
    asked: Asked, failed: int, requests: int, failed_there: int, requests_there: int, counted: str
) -> Verdict:
    there, here = Sample(requests_there, failed_there), Sample(requests, failed)
    return verdict(here, there, asked.look, asked.policy.rule, counted)


def _events(asked: Asked, canary: Counts, baseline: Counts) -> str:
    if not canary.requests:
        return INCONCLUSIVE
    here, there = canary.failures / canary.requests, baseline.failures / max(1, baseline.requests)
    if canary.failures >= FEWEST_FAILURES and here > there:
        return BAD
    return GOOD if asked.look >= asked.policy.looks else INCONCLUSIVE


def _doubted(found: Verdict, trouble: str) -> Verdict:
    if not trouble:
        return found
    return Verdict(INCONCLUSIVE if found.what == GOOD else found.what, f"{found.reason}; {trouble}")


def _observed(asked: Asked, source: str, found: Verdict, canary: Counts, baseline: Counts) -> Observation:
    return Observation(source, found.what, found.reason, asked.now, canary, baseline)
