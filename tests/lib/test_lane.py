"""One build runs, the newest commit waits, in whatever order pushes arrive."""

from hypothesis import given
from hypothesis import strategies as st

from cicd import lane
from cicd.lane import Lane, Turn


def commit(number: int) -> str:
    return f"{number:040x}"


def arrive(now: Lane, number: int, timestamp: float = 7.0) -> Lane:
    """The push that moved the branch from *number* - 1 to *number* arrives."""
    seen = lane.see(now, commit(number), commit(number - 1), timestamp)
    late = lane.is_older(seen, commit(number), timestamp)
    return seen if late else lane.enter(seen, commit(number), timestamp)


orders = st.integers(2, 20).flatmap(lambda n: st.permutations(range(1, n + 1)))


@given(orders)
def test_of_a_burst_in_any_order_only_the_first_to_arrive_and_the_newest_are_built(numbers):
    now = Lane()
    for number in numbers:
        now = arrive(now, number)
    built = [now.running.commit]
    while now.running:
        now = lane.leave(now, now.running.commit)
        built += [now.running.commit] if now.running else []

    assert built[0] == commit(numbers[0])
    assert built[-1] == commit(max(numbers))
    assert len(built) <= 2


@given(st.lists(st.tuples(st.sampled_from(["arrive", "leave"]), st.integers(1, 8)), max_size=40))
def test_whoever_comes_and_goes_no_commit_has_two_turns_and_none_waits_for_nothing(steps):
    now = Lane()
    for what, number in steps:
        now = arrive(now, number) if what == "arrive" else lane.leave(now, commit(number))
        turns = [turn.commit for turn in (now.running, *now.waiting) if turn]
        assert len(turns) == len(set(turns))
        assert now.running or not now.waiting
        assert lane.from_json(lane.to_json(now)) == now


@given(orders)
def test_whoever_loses_its_place_is_told_to_whom(numbers):
    now, lost = Lane(), {}
    for number in numbers:
        before, now = now, arrive(now, number)
        lost.update(lane.superseded(before, now))
    before, now = now, lane.leave(now, now.running.commit)
    lost.update(lane.superseded(before, now))

    assert not set(lost) & ({now.running.commit} if now.running else set())
    assert all(by != gone for gone, by in lost.items())


def test_times_decide_where_no_step_does():
    now = lane.see(Lane(), commit(9), commit(8), 2000.0)

    assert lane.is_older(now, commit(3), 1000.0)
    assert not lane.is_older(now, commit(3), 3000.0)
    assert not lane.is_older(now, commit(3), 1000.0, forced=True)
    assert not lane.is_older(now, commit(3), 0.0)


def test_a_branch_that_goes_back_and_forth_is_followed_for_ever_by_nobody():
    now = lane.see(lane.see(Lane(), commit(2), commit(1), 1.0), commit(1), commit(2), 1.0, forced=True)

    assert lane.came_before(now, commit(1), commit(2))
    assert lane.came_before(now, commit(2), commit(1))
    assert not lane.came_before(now, commit(3), commit(1))


def test_a_build_that_finishes_after_a_newer_one_does_not_replace_it():
    now = lane.passes(arrive(arrive(Lane(), 1), 2), Turn(commit(2), 2))

    assert lane.replaced_by(now, Turn(commit(1), 1)) == commit(2)
    assert lane.passes(now, Turn(commit(1), 1)) == now
    assert not lane.replaced_by(now, Turn(commit(2), 2))
    assert not lane.replaced_by(now, Turn(commit(3), 3))


def test_who_is_asked_for_again_gets_a_new_turn_behind_who_runs():
    now = lane.enter(lane.enter(Lane(), commit(1), 1.0), commit(2), 2.0)

    assert lane.enter(now, commit(2), 9.0) == now
    assert lane.leave(now, commit(1)).running == Turn(commit(2), 2, 2.0)
    assert lane.leave(now, commit(2)).waiting == ()


def test_the_lane_keeps_a_bounded_past():
    now = Lane()
    for number in range(1, 3 * lane.STEPS_KEPT):
        now = lane.see(now, commit(number), commit(number - 1), float(number))

    assert len(now.steps) == lane.STEPS_KEPT
