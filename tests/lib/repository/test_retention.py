"""Which published versions may go."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import Lifecycle, Stage
from cicd.release.record import Build, Release, Ring
from cicd.release.transitions import accept_history
from cicd.repository.retention import choose

VERSIONS = [f"1.0-{number}.abcdef0" for number in range(1, 31)]
ENTRIES = [{"Package": "app", "Version": version} for version in VERSIONS]


def build(version: str) -> Build:
    return Build(version=version, package="app", commit="a" * 40, sha256="0" * 64, trace="t")


# What the rings run is known, and is the newest anyway.
KNOWN = Release("app", rings={"canary": Ring(wanted=build(VERSIONS[29]))})


def kept(release: Release = KNOWN, history: tuple = (), last: int = 3, since: float = 0.0) -> dict[str, str]:
    return {c.version: c.why for c in choose(ENTRIES, release, history, last, since) if c.why}


def test_the_newest_by_commits_are_kept_not_the_last_by_letters():
    assert list(kept()) == ["1.0-30.abcdef0", "1.0-29.abcdef0", "1.0-28.abcdef0"]


def test_the_newest_are_the_highest_versions_first_and_only_then_those_of_most_commits():
    squashed = {"Package": "app", "Version": "1.1-1.abcdef0"}
    choices = choose([*ENTRIES, squashed], KNOWN, (), 2, 0.0)

    assert [c.version for c in choices if c.why] == ["1.1-1.abcdef0", "1.0-30.abcdef0"]


@given(st.integers(1, 29), st.integers(1, 3))
def test_what_an_accepted_history_brought_last_never_goes(first, more):
    accepted = accept_history(KNOWN, f"1.0-{first}.fffffff", VERSIONS)
    new = [f"1.0-{first + number}.fffffff" for number in range(more)]
    choices = choose([*ENTRIES, *({"Package": "app", "Version": v} for v in new)], accepted, (), more, 0.0)

    assert [c.version for c in choices if c.why.startswith("one of the newest")] == new[::-1]


def test_what_a_ring_wants_or_can_go_back_to_is_kept_and_says_so():
    ring = Ring(wanted=build(VERSIONS[2]), last_good=build(VERSIONS[1]), previous_good=build(VERSIONS[0]))
    found = kept(KNOWN.with_ring("production", ring))

    assert found[VERSIONS[0]] == "earlier good on production"
    assert found[VERSIONS[1]] == "good on production"
    assert found[VERSIONS[2]] == "wanted on production"


def test_what_a_ring_of_a_list_wants_is_kept_also_of_one_that_was_taken_out():
    listed = Lifecycle((Stage("staging", "s"), Stage("eu", "e", ("staging",))))
    rings = {
        name: Ring(wanted=build(VERSIONS[number])) for number, name in enumerate(("staging", "eu", "us"))
    }
    found = kept(Release("app", rings=rings, lifecycle=listed))

    assert [found[VERSIONS[number]] for number in range(3)] == [
        "wanted on staging",
        "wanted on eu",
        "wanted on us",
    ]


def test_a_pinned_version_is_kept():
    pin = Hold(who="ann", why="audit", since=1.0, version=VERSIONS[4])

    assert kept(replace(KNOWN, holds=Holds(pin=pin)))[VERSIONS[4]] == "pinned"


def confirmed(ring: str, version: str, when: float) -> dict[str, object]:
    return {"what": "confirm", "ring": ring, "to": version, "when": when}


def test_what_was_good_at_any_time_within_the_days_is_kept_and_what_was_so_before_is_not():
    history = [
        confirmed("production", VERSIONS[5], 200.0),
        confirmed("production", VERSIONS[6], 90.0),
        confirmed("production", VERSIONS[7], 80.0),
        confirmed("canary", VERSIONS[8], 70.0),
        {"what": "advertise_canary", "ring": "canary", "to": VERSIONS[9], "when": 200.0},
    ]
    found = kept(history=tuple(history), since=100.0)

    assert found[VERSIONS[5]] == found[VERSIONS[6]] == "was good on production lately"
    assert found[VERSIONS[8]] == "was good on canary lately"
    assert not {VERSIONS[7], VERSIONS[9]} & set(found)


def test_nothing_goes_when_nobody_knows_what_the_rings_run():
    assert set(kept(Release("app"))) == set(VERSIONS)


def test_what_this_pipeline_did_not_build_is_left_alone():
    choices = choose([*ENTRIES, {"Package": "app", "Version": "2.0"}], KNOWN, (), 1, 0.0)

    assert [c.version for c in choices if c.why] == ["1.0-30.abcdef0", "2.0"]


@given(st.integers(-5, 40), st.lists(st.sampled_from(VERSIONS), max_size=3))
def test_nothing_that_is_wanted_ever_goes_and_one_version_always_stays(last, wanted):
    rings = [Ring(wanted=build(version)) for version in wanted]
    named = dict(zip(("canary", "production"), rings, strict=False))
    found = kept(replace(KNOWN, rings=named), last=last)

    assert set(wanted[:2]) <= set(found)
    assert found
