"""Which version may go where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cicd.errors import CicdError, Refused
from cicd.release import record, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import PAIR
from cicd.release.record import Cause
from cicd.release.transitions import Build, Release

BAKE = 60


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "")


def canary_of(commits: int, when: float = 0) -> Release:
    advertised = transitions.advertise_canary(Release("greeter"), build(commits), when)
    return transitions.confirm(advertised, "canary", advertised.ring("canary").generation, when)


def test_defect_3_production_is_advertised_exactly_the_canarys_version():
    promoted = transitions.promote(canary_of(1), when=BAKE, min_bake=BAKE)

    assert promoted.ring("production").wanted == build(1)


def test_defect_4_promote_takes_no_version_so_no_other_one_can_reach_production():
    with pytest.raises(TypeError):
        transitions.promote(canary_of(1), BAKE, BAKE, build(2))  # type: ignore[call-arg]


def test_without_a_canary_nothing_can_be_promoted():
    with pytest.raises(Refused, match="no canary"):
        transitions.promote(Release("greeter"), when=0, min_bake=0)


def test_a_canary_whose_deploy_has_not_ended_well_is_not_promoted():
    advertised = transitions.advertise_canary(Release("greeter"), build(1), when=0)

    with pytest.raises(Refused, match="not healthy"):
        transitions.promote(advertised, when=BAKE, min_bake=BAKE)


def test_a_canary_that_has_not_baked_is_not_promoted_and_the_refusal_says_when():
    with pytest.raises(Refused, match="10 s of the 60 s") as refusal:
        transitions.promote(canary_of(1), when=10, min_bake=BAKE)

    assert refusal.value.hint == "Promote again in 50 s."


def test_an_older_build_never_replaces_a_newer_canary():
    with pytest.raises(Refused, match="older than"):
        transitions.advertise_canary(canary_of(2), build(1), when=1)


def versioned(upstream: str, commits: int) -> Build:
    return Build(f"{upstream}-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "")


def after_twelve_commits() -> Release:
    """Return a release that both rings run at the twelfth commit, whose history is then replaced."""
    state = end_well(transitions.advertise_canary(canary_of(11), build(12), 0), "canary")
    return end_well(transitions.promote(state, BAKE, BAKE), "production")


def test_a_higher_version_of_fewer_commits_is_newer_in_both_rings():
    state = transitions.advertise_canary(after_twelve_commits(), versioned("1.1", 1), 1)
    state = transitions.promote(end_well(state, "canary"), 2 * BAKE, BAKE)

    assert state.ring("production").wanted == versioned("1.1", 1)


def test_a_lower_version_is_older_however_many_commits_it_has():
    with pytest.raises(Refused, match="older than"):
        transitions.advertise_canary(after_twelve_commits(), versioned("0.9", 99), 1)


def test_a_replaced_history_is_refused_with_both_ways_out():
    with pytest.raises(Refused, match="older than") as refusal:
        transitions.advertise_canary(after_twelve_commits(), build(1), 1)

    assert "raise `version` in fpm.json" in refusal.value.hint
    assert "version=1.0-1.0000001 new_history=true" in refusal.value.hint


@given(st.integers(1, 11), st.lists(st.integers(1, 30), max_size=8))
def test_of_an_accepted_history_every_commit_is_newer_than_the_old_ones_in_both_rings(first, more):
    published = [build(commits).version for commits in range(1, 20)]
    state = transitions.accept_history(after_twelve_commits(), build(first).version, published)
    state = end_well(transitions.advertise_canary(state, build(first), 1), "canary")
    for commits in more:
        made = Build(f"1.0-{first + commits}.ffffff{commits % 10}", "greeter", "f" * 40, "0" * 64, "")
        state = record.from_json(
            record.to_json(transitions.advertise_canary(end_well(state, "canary"), made, 2))
        )
        first += commits
    promoted = transitions.promote(end_well(state, "canary"), 3 * BAKE, BAKE)

    assert promoted.ring("production").wanted == state.ring("canary").wanted
    with pytest.raises(Refused, match="older than"):
        transitions.advertise_canary(state, build(12), 3)


def test_a_second_history_is_accepted_as_the_first_was():
    state = after_twelve_commits()
    for commits in (9, 5):
        state = transitions.accept_history(state, build(commits).version, [])
        state = end_well(transitions.advertise_canary(state, build(commits), 1), "canary")

    assert transitions.promote(state, 2 * BAKE, BAKE).ring("production").wanted == build(5)


def test_defect_5_production_rolls_back_to_the_version_before():
    first = transitions.promote(canary_of(1), BAKE, BAKE)
    first = transitions.confirm(first, "production", first.ring("production").generation, BAKE)
    canary = transitions.advertise_canary(first, build(2), BAKE)
    canary = transitions.confirm(canary, "canary", canary.ring("canary").generation, BAKE)
    second = transitions.promote(canary, 2 * BAKE, BAKE)
    second = transitions.confirm(second, "production", second.ring("production").generation, 2 * BAKE)

    rolled = transitions.roll_back(second, "production", 2 * BAKE)

    assert rolled.ring("production").wanted == build(1)


def test_a_second_rollback_does_not_return_to_the_version_that_was_left():
    state = transitions.advertise_canary(canary_of(1), build(2), 1)
    state = transitions.confirm(state, "canary", state.ring("canary").generation, 1)
    state = transitions.roll_back(state, "canary", 2)
    state = transitions.confirm(state, "canary", state.ring("canary").generation, 2)

    with pytest.raises(Refused, match="no earlier good version"):
        transitions.roll_back(state, "canary", 3)


def test_defect_13_a_failed_deploy_advertises_the_last_good_version_again():
    failed = transitions.advertise_canary(canary_of(1), build(2), when=1)

    restored = transitions.restore(failed, "canary", failed.ring("canary").generation, when=2)

    assert restored.ring("canary").wanted == build(1)
    assert "rollout=open\nrestoring=yes\n" in transitions.wanted_document(restored, "canary")
    ended = transitions.confirm(restored, "canary", restored.ring("canary").generation, 3)
    assert "restoring" not in transitions.wanted_document(ended, "canary")


def test_the_first_deploy_ever_that_fails_leaves_nothing_advertised():
    failed = transitions.advertise_canary(Release("greeter"), build(1), when=1)

    restored = transitions.restore(failed, "canary", failed.ring("canary").generation, when=2)

    assert restored.ring("canary").wanted is None
    assert transitions.wanted_document(restored, "canary").startswith("version=\n")


def test_what_was_rolled_back_can_be_promoted_twice_once_it_was_canary_again():
    first = transitions.promote(canary_of(1), when=0, min_bake=0)
    first = transitions.confirm(first, "production", first.ring("production").generation, 0)
    second = transitions.advertise_canary(first, build(2), 0)
    second = transitions.confirm(second, "canary", second.ring("canary").generation, 0)
    second = transitions.promote(second, 0, 0)
    second = transitions.confirm(second, "production", second.ring("production").generation, 0)
    back = transitions.roll_back(second, "production", 0)
    with pytest.raises(Refused, match="was rolled back"):
        transitions.promote(back, 0, 0)
    again = transitions.advertise_canary(back, build(2), 0)
    again = transitions.confirm(again, "canary", again.ring("canary").generation, 0)

    assert transitions.promote(transitions.promote(again, 0, 0), 0, 0).ring("production").wanted == build(2)


def rolled_back_from_two() -> Release:
    """Return a release whose production was rolled back from 2 to 1, with 2 as canary still."""
    state = Release("greeter")
    for commits in (1, 2):
        state = transitions.advertise_canary(state, build(commits), 0)
        state = transitions.promote(end_well(state, "canary"), 0, 0)
        state = end_well(state, "production")
    return end_well(transitions.roll_back(state, "production", 0), "production")


def end_well(state: Release, ring: str) -> Release:
    return transitions.confirm(state, ring, state.ring(ring).generation, 0)


def restored(state: Release) -> Release:
    return end_well(transitions.restore(state, "canary", state.ring("canary").generation, 0), "canary")


def stolen(state: Release) -> Release:
    taken = Holds(lock=Hold("bob", "because", 0.0))
    state = end_well(transitions.steal(state, taken, "canary", 0), "canary")
    return transitions.hold(state, Holds())


WAYS_BACK = {
    "a newer canary failed": lambda r: restored(transitions.advertise_canary(r, build(3), 0)),
    "a newer canary was rolled back": lambda r: end_well(
        transitions.roll_back(end_well(transitions.advertise_canary(r, build(3), 0), "canary"), "canary", 0),
        "canary",
    ),
    "its lock was stolen": stolen,
    "two newer ones failed": lambda r: restored(
        transitions.advertise_canary(restored(transitions.advertise_canary(r, build(3), 0)), build(4), 0)
    ),
}


@pytest.mark.parametrize("way", WAYS_BACK)
def test_a_version_that_production_was_rolled_back_from_stays_out_whatever_made_it_canary_again(way):
    state = WAYS_BACK[way](rolled_back_from_two())

    assert (state.ring("canary").wanted, state.ring("canary").state) == (build(2), transitions.HEALTHY)
    with pytest.raises(Refused, match="was rolled back from production") as refusal:
        transitions.promote(state, 0, 0)
    assert f"st2 run cicd.deploy project=greeter version={build(2).version}" in refusal.value.hint


def test_a_version_that_production_was_rolled_back_from_is_remembered_while_others_come_and_go():
    state = end_well(transitions.advertise_canary(rolled_back_from_two(), build(3), 0), "canary")
    state = end_well(transitions.promote(state, 0, 0), "production")
    state = end_well(transitions.roll_back(state, "canary", 0), "canary")

    assert state.rolled_back == (build(2).version,)
    state = transitions.roll_back(state, "production", 0)
    assert state.rolled_back == (build(2).version, build(3).version)


def test_the_versions_rolled_back_from_are_bounded():
    state = rolled_back_from_two()
    for number in range(3, transitions.ROLLED_BACK_KEPT + 9):
        state = end_well(transitions.break_glass(state, build(number), 0), "production")
        state = transitions.roll_back(state, "production", 0)

    assert len(state.rolled_back) == transitions.ROLLED_BACK_KEPT
    assert state.rolled_back[-1] == build(transitions.ROLLED_BACK_KEPT + 8).version


def test_an_older_record_says_by_left_what_production_was_rolled_back_from():
    now = record.to_json(rolled_back_from_two())
    del now["rolled_back"]
    before = {**now, "production": {**now["production"], "left": build(2).version}}
    again = record.to_json(transitions.advertise_canary(record.from_json(before), build(2), 0))
    del again["rolled_back"]
    again["production"]["left"] = build(2).version

    assert record.from_json(before).rolled_back == (build(2).version,)
    assert record.from_json(again).rolled_back == (), "it was deployed to the canary again"
    assert record.from_json(now).rolled_back == ()


@pytest.mark.parametrize("late", [transitions.restore, transitions.stop, transitions.degrade])
def test_a_late_word_of_failure_does_not_move_a_ring_that_is_healthy(late):
    healthy = canary_of(1)

    with pytest.raises(Refused, match="has ended well already"):
        late(healthy, "canary", healthy.ring("canary").generation, when=1)


def test_a_deploy_that_was_overtaken_can_neither_confirm_nor_restore():
    old = transitions.advertise_canary(canary_of(1), build(2), when=1)
    new = transitions.advertise_canary(old, build(3), when=2)

    for step in (transitions.confirm, transitions.restore):
        with pytest.raises(Refused, match="moved on"):
            step(new, "canary", old.ring("canary").generation, 3)


def test_hosts_converge_by_themselves_only_when_no_deploy_walks_their_ring():
    advertised = transitions.advertise_canary(Release("greeter"), build(1), when=0)
    confirmed = transitions.confirm(advertised, "canary", advertised.ring("canary").generation, 1)

    assert "rollout=pushed" in transitions.wanted_document(advertised, "canary")
    assert "rollout=open" in transitions.wanted_document(confirmed, "canary")


def test_the_audit_entry_says_who_what_why_when_and_from_what_to_what():
    before, after = canary_of(1), transitions.advertise_canary(canary_of(1), build(2), 5)

    entry = record.audit(before, after, "advertise_canary", "canary", Cause("ann", "deploy", 5.0, "e1"))

    assert (entry["who"], entry["why"], entry["when"]) == ("ann", "deploy", 5.0)
    assert (entry["from"], entry["to"]) == (build(1).version, build(2).version)


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers())))
def test_an_unreadable_record_means_stop(data):
    with pytest.raises(CicdError, match="unreadable"):
        record.from_json(data)


def test_a_record_survives_the_store():
    state = transitions.promote(canary_of(3), BAKE, BAKE)

    assert record.from_json(record.to_json(state)) == state


class Releases(RuleBasedStateMachine):
    """Any sequence of commands, refused or not."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Release("greeter")
        self.now = 0.0
        self.baked: set[Build] = set()

    def _try(self, decide) -> None:
        try:
            after = decide()
        except Refused:
            return
        assert after.generation == self.state.generation + 1
        self.state = after

    @rule(commits=st.integers(0, 9))
    def advertise(self, commits):
        self._try(lambda: transitions.advertise_canary(self.state, build(commits), self.now))

    @rule(ring=st.sampled_from(PAIR.names), behind=st.integers(0, 2))
    def confirm(self, ring, behind):
        generation = self.state.ring(ring).generation - behind
        self._try(lambda: transitions.confirm(self.state, ring, generation, self.now))

    @rule(seconds=st.integers(1, 2 * BAKE))
    def wait(self, seconds):
        self.now += seconds
        canary = self.state.ring("canary")
        if canary.wanted and canary.state == transitions.HEALTHY and self.now - canary.since >= BAKE:
            self.baked.add(canary.wanted)

    @rule()
    def promote(self):
        self._try(lambda: transitions.promote(self.state, self.now, BAKE))

    @rule(ring=st.sampled_from(PAIR.names))
    def restore(self, ring):
        generation = self.state.ring(ring).generation
        self._try(lambda: transitions.restore(self.state, ring, generation, self.now))

    @rule(ring=st.sampled_from(PAIR.names))
    def roll_back(self, ring):
        self._try(lambda: transitions.roll_back(self.state, ring, self.now))

    @invariant()
    def production_only_ever_wants_what_was_a_healthy_baked_canary(self):
        wanted = self.state.ring("production").wanted
        assert wanted is None or wanted in self.baked


TestReleases = Releases.TestCase


@pytest.mark.parametrize(("end", "rollout"), [(transitions.degrade, "open"), (transitions.stop, "pushed")])
def test_a_deploy_that_ended_otherwise_than_well_is_no_good_version(end, rollout):
    state = transitions.advertise_canary(Release("greeter"), build(1), 0)
    state = end(state, "canary", state.ring("canary").generation, 1)

    assert state.ring("canary").last_good is None
    assert f"rollout={rollout}" in transitions.wanted_document(state, "canary")
    with pytest.raises(Refused, match="not healthy on every canary host"):
        transitions.promotable(state, 1000, 1)


@pytest.mark.parametrize("generation", [10**12, 10**20, -1])
def test_a_generation_that_hosts_could_not_compare_is_unreadable(generation):
    stored = record.to_json(canary_of(1))
    for data in (
        {**stored, "generation": generation},
        {**stored, "canary": {**stored["canary"], "generation": generation}},
    ):
        with pytest.raises(CicdError, match="unreadable"):
            record.from_json(data)


def test_that_a_canary_must_bake_is_said_only_when_nothing_else_refuses_it():
    state = rolled_back_from_two()

    with pytest.raises(Refused, match="was rolled back from production"):
        transitions.promotable(state, 0, 60)
    with pytest.raises(Refused, match="must bake"):
        transitions.promotable(canary_of(1), 0, 60)
