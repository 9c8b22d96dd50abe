"""A canary is found bad only where it is, good only where enough is known, and else neither."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.release.verdict import (
    BAD,
    GOOD,
    INCONCLUSIVE,
    Rule,
    Sample,
    Verdict,
    chance,
    together,
    upper_bound,
    verdict,
)

BASELINE = 10  # for each request to the canary
RULE = Rule()


def failures(rng: random.Random, requests: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(requests))


def found(rng: random.Random, requests: int, bad: float, usual: float) -> str:
    """Return what a canary is found to be that has *requests* in all looks together."""
    canary, baseline = Sample(0, 0), Sample(0, 0)
    for look in range(1, RULE.looks + 1):
        here, there = requests // RULE.looks, BASELINE * requests // RULE.looks
        canary = Sample(canary.requests + here, canary.failed + failures(rng, here, bad))
        baseline = Sample(baseline.requests + there, baseline.failed + failures(rng, there, usual))
        said = verdict(canary, baseline, look)
        if said.what == BAD:
            break
    return said.what


@pytest.mark.parametrize(
    ("requests", "bad", "usual", "trials", "bounds"),
    [
        (20, 0.001, 0.001, 200, {INCONCLUSIVE: (1, 1)}),
        (50, 0.001, 0.001, 200, {INCONCLUSIVE: (1, 1)}),
        (200, 0.001, 0.001, 150, {GOOD: (0.7, 0.95), BAD: (0, 0)}),
        (500, 0.001, 0.001, 60, {GOOD: (0.95, 1), BAD: (0, 0)}),
        (20, 0.01, 0.01, 200, {INCONCLUSIVE: (1, 1)}),
        (50, 0.01, 0.01, 200, {INCONCLUSIVE: (1, 1)}),
        (200, 0.01, 0.01, 150, {GOOD: (0.3, 0.65), BAD: (0, 0)}),
        (500, 0.01, 0.01, 60, {GOOD: (0.8, 1), BAD: (0, 0)}),
        (20, 0.05, 0.001, 200, {BAD: (0.02, 0.25), GOOD: (0, 0)}),
        (50, 0.05, 0.001, 200, {BAD: (0.2, 0.6), GOOD: (0, 0)}),
        (200, 0.05, 0.001, 100, {BAD: (0.9, 1), GOOD: (0, 0)}),
        (500, 0.05, 0.001, 30, {BAD: (1, 1)}),
        (20, 0.2, 0.001, 200, {BAD: (0.65, 0.95)}),
        (50, 0.2, 0.001, 100, {BAD: (0.95, 1)}),
        (20, 1.0, 0.001, 50, {BAD: (1, 1)}),
    ],
)
def test_in_simulated_traffic_the_verdict_is_as_often_right_as_it_was_found_to_be(
    requests, bad, usual, trials, bounds
):
    rng = random.Random(f"{requests} {bad} {usual}")
    seen = Counter(found(rng, requests, bad, usual) for _ in range(trials))

    for what, (least, most) in bounds.items():
        assert least <= seen[what] / trials <= most, seen


def test_with_a_hundred_of_failures_four_requests_are_enough():
    assert verdict(Sample(4, 4), Sample(40, 0), 2).what == BAD
    assert verdict(Sample(2, 2), Sample(2000, 0), 2).what == INCONCLUSIVE, "two say nothing"


@pytest.mark.parametrize(("margin", "requests"), [(0.02, 140), (0.01, 280), (0.005, 560)])
def test_good_takes_so_many_requests_without_a_failure(margin, requests):
    rule, others = Rule(margin), Sample(100_000, 0)

    assert verdict(Sample(requests, 0), others, 10, rule).what == GOOD
    assert verdict(Sample(requests * 9 // 10, 0), others, 10, rule).what == INCONCLUSIVE
    assert verdict(Sample(requests, 0), others, 9, rule).what == INCONCLUSIVE, "not before the last look"


@pytest.mark.parametrize("look", [1, 10])
@pytest.mark.parametrize(
    ("canary", "baseline", "said"),
    [
        (Sample(0, 0), Sample(9000, 0), "no request went to the canary, 0 of 9000"),
        (Sample(9000, 0), Sample(0, 0), "no request went to the others"),
        (Sample(9000, 9000), Sample(0, 0), "no request went to the others"),
        (Sample(0, 0), Sample(0, 0), "no request went to the canary, no request went to the others"),
    ],
)
def test_without_data_it_is_never_good(canary, baseline, said, look):
    found = verdict(canary, baseline, look)

    assert found.what == INCONCLUSIVE
    assert said in found.reason


def test_the_reason_has_the_figures():
    found = verdict(Sample(200, 20), Sample(2000, 2), 3, counted="took over 300 ms")

    assert found == Verdict(
        BAD,
        "20 of 200 requests to the canary took over 300 ms (10.00 %), "
        "2 of 2000 requests to the others took over 300 ms (0.10 %): that is more than chance",
    )


def test_of_several_one_that_is_bad_decides_and_all_must_be_good():
    good, bad, unknown = (Verdict(what, f"{what} it is") for what in (GOOD, BAD, INCONCLUSIVE))

    assert together([good, unknown, bad]) == bad
    assert together([good, unknown]) == unknown
    assert together([good, good]) == Verdict(GOOD, "good it is; good it is")
    assert together([]).what == INCONCLUSIVE


@pytest.mark.parametrize(("requests", "failed"), [(1, 2), (1, -1), (-1, -1)])
def test_a_sample_that_cannot_be_is_refused(requests, failed):
    with pytest.raises(ValueError, match="cannot have failed"):
        Sample(requests, failed)


SAMPLES = st.integers(1, 60).flatmap(lambda n: st.builds(Sample, st.just(n), st.integers(0, n)))
LARGE = st.integers(1, 10**7).flatmap(lambda n: st.builds(Sample, st.just(n), st.integers(0, n)))


@given(SAMPLES, SAMPLES)
def test_the_chance_is_that_of_the_exact_test(canary, baseline):
    failed, requests = canary.failed + baseline.failed, canary.requests + baseline.requests
    exact = sum(
        Fraction(
            math.comb(canary.requests, k) * math.comb(baseline.requests, failed - k),
            math.comb(requests, failed),
        )
        for k in range(canary.failed, min(failed, canary.requests) + 1)
    )

    assert chance(canary, baseline) == pytest.approx(float(exact), rel=1e-9)


@given(LARGE, LARGE, st.integers(1, 10))
def test_whatever_was_counted_there_is_a_verdict_and_it_agrees_with_the_shares(canary, baseline, look):
    found = verdict(canary, baseline, look)

    assert found.what in (GOOD, BAD, INCONCLUSIVE)
    assert found.what != BAD or canary.share - baseline.share >= RULE.margin / 2
    assert found.what != GOOD or (look == RULE.looks and canary.share - baseline.share < RULE.margin)
    assert upper_bound(canary, baseline) >= canary.share - baseline.share


@given(SAMPLES, SAMPLES)
def test_one_more_failure_never_makes_a_canary_better(canary, baseline):
    order = [BAD, INCONCLUSIVE, GOOD]
    if canary.failed < canary.requests:
        worse = Sample(canary.requests, canary.failed + 1)
        assert order.index(verdict(worse, baseline, 10).what) <= order.index(
            verdict(canary, baseline, 10).what
        )
