"""
Whether a canary is as good as the hosts outside it at the same time, by how many requests failed. Pure.

How many requests were slow is judged in the same way: each was slow or not, as each failed or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence, Tuple

GOOD, BAD, INCONCLUSIVE = "good", "bad", "inconclusive"

FALSE_ALARMS = 0.01  # at most so many equal canaries are found bad, at all looks together
FEWEST_FAILURES = 3  # one or two say nothing, however few requests there were
SURE = 1.6448536269514722  # the quantile of 95 %, for bounds on one side


@dataclass(frozen=True)
class Sample:
    """How many of the `requests` to some hosts, in some time, `failed`; ValueError when that cannot be."""

    requests: int
    failed: int

    def __post_init__(self) -> None:
        if not 0 <= self.failed <= self.requests:
            raise ValueError(f"{self.failed} of {self.requests} requests cannot have failed")

    @property
    def share(self) -> float:
        """The share of requests that failed; 0 without requests."""
        return self.failed / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Rule:
    """By how much (a share) the canary may be worse, and at how many `looks` it is judged."""

    margin: float = 0.02
    looks: int = 10


@dataclass(frozen=True)
class Verdict:
    """What a canary is found to be: good, bad or inconclusive, and why in words."""

    what: str
    reason: str


def verdict(
    canary: Sample, baseline: Sample, look: int, rule: Rule = Rule(), counted: str = "failed"
) -> Verdict:
    """
    Return what the *canary* is at its *look* (the first is 1), beside the *baseline* of the same time.

    It may be found bad at each look, and good at the last one only: whoever looks until it is good would find
    every canary good. Without a request to either it is neither. *counted* says what a failure is.
    """
    said = f"{_told(canary, 'the canary', counted)}, {_told(baseline, 'the others', counted)}"
    if not canary.requests or not baseline.requests:
        return Verdict(INCONCLUSIVE, f"{said}: without requests to both, nothing is known")
    if _is_bad(canary, baseline, rule):
        return Verdict(BAD, f"{said}: that is more than chance")
    if look < rule.looks:
        return Verdict(INCONCLUSIVE, f"{said}: look {look} of {rule.looks}")
    worst = upper_bound(canary, baseline)
    return Verdict(
        GOOD if worst < rule.margin else INCONCLUSIVE,
        f"{said}: the canary is at most {_percent(worst)} worse, and {_percent(rule.margin)} are allowed",
    )


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what follows from several: bad where one is, good where all are, else inconclusive."""
    if not verdicts:
        return Verdict(INCONCLUSIVE, "nothing was measured")
    worst = next((what for what in (BAD, INCONCLUSIVE) if what in {one.what for one in verdicts}), GOOD)
    return Verdict(worst, "; ".join(one.reason for one in verdicts if one.what == worst))


def chance(canary: Sample, baseline: Sample) -> float:
    """
    Return how likely so many failures of the *canary* are, or more, where both fail alike.

    It is Fisher's exact test, of one side.
    """
    failed, requests = canary.failed + baseline.failed, canary.requests + baseline.requests
    term = math.exp(
        _log_choose(canary.requests, canary.failed)
        + _log_choose(baseline.requests, baseline.failed)
        - _log_choose(requests, failed)
    )
    total, canary_failed = term, canary.failed
    while canary_failed < min(failed, canary.requests) and term > total * 1e-15:
        more = (failed - canary_failed) * (canary.requests - canary_failed)
        fewer = (canary_failed + 1) * (baseline.requests - failed + canary_failed + 1)
        term *= more / fewer
        total, canary_failed = total + term, canary_failed + 1
    return min(1.0, total)


def upper_bound(canary: Sample, baseline: Sample) -> float:
    """
    Return by how much the share of the *canary* is at most above that of the *baseline*, with 95 % certainty.

    It is Newcombe's hybrid of two intervals of Wilson; both samples have requests.
    """
    worse = _wilson(canary)[1] - canary.share
    better = baseline.share - _wilson(baseline)[0]
    return canary.share - baseline.share + math.hypot(worse, better)


def _is_bad(canary: Sample, baseline: Sample, rule: Rule) -> bool:
    is_much = canary.failed >= FEWEST_FAILURES and canary.share - baseline.share >= rule.margin / 2
    return is_much and chance(canary, baseline) < FALSE_ALARMS / rule.looks


def _wilson(sample: Sample) -> Tuple[float, float]:
    square, requests, share = SURE**2, sample.requests, sample.share
    middle = share + square / (2 * requests)
    half = SURE * math.sqrt(share * (1 - share) / requests + square / (4 * requests**2))
    return (middle - half) / (1 + square / requests), (middle + half) / (1 + square / requests)


def _log_choose(many: int, few: int) -> float:
    return math.lgamma(many + 1) - math.lgamma(few + 1) - math.lgamma(many - few + 1)


def _told(sample: Sample, whose: str, counted: str) -> str:
    if not sample.requests:
        return f"no request went to {whose}"
    return f"{sample.failed} of {sample.requests} requests to {whose} {counted} ({_percent(sample.share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
