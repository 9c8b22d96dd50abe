"""An analysis is of one deploy, and comes back from the record as it was written."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cicd.release import analysis, record, transitions
from cicd.release.analysis import Analysis, Counts, Observation
from cicd.release.record import HEALTHY, Build, Release, Ring
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE, Verdict

BUILD = Build("1.0-1.0000001", "greeter", "1" * 40, "0" * 64, "")
RING = Ring(HEALTHY, BUILD, BUILD, generation=4, since=10.0)

COUNTS = st.builds(Counts, st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
OUTCOMES = st.sampled_from([GOOD, BAD, INCONCLUSIVE])
TIMES = st.floats(0, 4e9)
OBSERVATIONS = st.builds(
    Observation, st.sampled_from(["haproxy", "http"]), OUTCOMES, st.text(), TIMES, COUNTS, COUNTS
)
ANALYSES = st.builds(
    Analysis,
    st.integers(0, 9),
    OUTCOMES,
    st.text(),
    st.integers(0, 20),
    st.integers(1, 20),
    TIMES,
    TIMES,
    st.lists(OBSERVATIONS, max_size=3).map(tuple),
)


def release(ring: Ring) -> Release:
    return Release("greeter", 7, {"canary": ring})


@given(ANALYSES)
def test_it_comes_back_from_the_record_as_it_was_written(known):
    state = release(replace(RING, analysis=known))

    assert record.from_json(json.loads(json.dumps(record.to_json(state)))) == state


def test_a_record_without_one_is_written_as_before_and_read_as_without():
    stored = record.to_json(release(RING))

    assert all("analysis" not in stored[ring] for ring in ("canary", "production"))
    assert record.from_json(stored).ring("canary").analysis is None


@given(ANALYSES)
def test_one_of_an_earlier_deploy_says_nothing(known):
    ring = replace(RING, analysis=known)

    assert ring.judged == (known if known.generation == 4 else None)


def test_what_is_wanted_next_begins_without_one():
    state = release(replace(RING, analysis=analysis.begun(4, 10, 20.0)))
    newer = replace(BUILD, version="1.0-2.0000002")

    assert transitions.advertise_canary(state, newer, 30).ring("canary").analysis is None


def test_it_ends_when_it_is_good_or_bad_or_all_looks_were_taken():
    begun = analysis.begun(4, 2, 20.0)
    first = analysis.looked(begun, Verdict(INCONCLUSIVE, "few"), (), 30.0)
    last = analysis.looked(first, Verdict(INCONCLUSIVE, "few"), (), 40.0)

    assert [one.is_over for one in (begun, first, last)] == [False, False, True]
    assert analysis.looked(begun, Verdict(BAD, "all failed"), (), 30.0).is_over
    assert (last.looks, last.began, last.when, last.reason) == (2, 20.0, 40.0, "few")


def test_good_counts_only_for_requests_after_a_moment():
    found = analysis.looked(analysis.begun(4, 1, 20.0), Verdict(GOOD, "none failed"), (), 30.0)

    assert found.is_good(since=20.0)
    assert not found.is_good(since=81.0)
