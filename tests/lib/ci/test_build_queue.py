"""One build runs, the newest commit waits, in whatever order pushes arrive."""

from hypothesis import given
from hypothesis import strategies as st

from cicd.ci import build_queue
from cicd.ci.build_queue import Lane, QueueEntry


def commit(number: int) -> str:
    return f"{number:040x}"


def moved(now: Lane, before: int, number: int, delivery: str = "") -> Lane:
    """The push that moved the branch from *before* to *number* arrives."""
    late = build_queue.is_older(now, commit(number), commit(before))
    seen = build_queue.record_move(now, commit(number), commit(before), delivery)
    return seen if late else build_queue.enter(seen, commit(number))


def arrive(now: Lane, number: int) -> Lane:
    """The push that moved the branch from *number* - 1 to *number* arrives."""
    return moved(now, number - 1, number)


orders = st.integers(2, 20).flatmap(lambda n: st.permutations(range(1, n + 1)))


@given(orders)
def test_of_a_burst_in_any_order_only_the_first_to_arrive_and_the_newest_are_built(numbers):
    now = Lane()
    for number in numbers:
        now = arrive(now, number)
    built = [now.running.commit]
    while now.running:
        now = build_queue.leave(now, now.running.commit)
        built += [now.running.commit] if now.running else []

    assert built[0] == commit(numbers[0])
    assert built[-1] == commit(max(numbers))
    assert len(built) <= 2


@given(st.lists(st.tuples(st.sampled_from(["arrive", "leave"]), st.integers(1, 8)), max_size=40))
def test_whoever_comes_and_goes_no_commit_has_two_turns_and_none_waits_for_nothing(steps):
    now = Lane()
    for what, number in steps:
        now = arrive(now, number) if what == "arrive" else build_queue.leave(now, commit(number))
        turns = [turn.commit for turn in (now.running, *now.waiting) if turn]
        assert len(turns) == len(set(turns))
        assert now.running or not now.waiting
        assert build_queue.from_json(build_queue.to_json(now)) == now


@given(orders)
def test_whoever_loses_its_place_is_told_to_whom(numbers):
    now, lost = Lane(), {}
    for number in numbers:
        before, now = now, arrive(now, number)
        lost.update(build_queue.superseded(before, now))
    before, now = now, build_queue.leave(now, now.running.commit)
    lost.update(build_queue.superseded(before, now))

    assert not set(lost) & ({now.running.commit} if now.running else set())
    assert all(by != gone for gone, by in lost.items())


def test_after_a_push_that_nobody_told_of_every_later_one_is_newer():
    now = build_queue.record_move(Lane(), commit(3), commit(2))

    assert not build_queue.is_older(now, commit(9), commit(8))
    assert build_queue.record_move(now, commit(9), commit(8)).head == QueueEntry(commit(9), 0)


moves = st.lists(st.integers(1, 5), min_size=1, max_size=30)


@given(moves)
def test_wherever_the_branch_goes_back_and_forth_its_head_is_where_it_went_last(places):
    now, at = Lane(), 0
    for number in places:
        now, at = build_queue.record_move(now, commit(number), commit(at)), number
        assert now.head == QueueEntry(commit(number), 0)
        assert not build_queue.is_older(now, commit(number), commit(at))


@given(moves)
def test_the_steps_never_lead_in_a_circle(places):
    now, at = Lane(), 0
    for number in places:
        now, at = build_queue.record_move(now, commit(number), commit(at)), number
    known = {place for step in now.steps for place in step}

    assert not [
        (one, two)
        for one in known
        for two in known
        if build_queue.came_before(now, one, two) and build_queue.came_before(now, two, one)
    ]


@given(moves)
def test_what_waits_at_the_end_of_all_going_back_and_forth_is_where_the_branch_is(places):
    now, at = build_queue.enter(Lane(), commit(99)), 0
    for number in places:
        now, at = moved(now, at, number), number
    now = build_queue.leave(now, commit(99))

    assert now.running == QueueEntry(commit(at), now.running.order)


def test_the_same_move_again_is_another_push_and_the_same_delivery_is_not():
    there = build_queue.record_move(
        build_queue.record_move(Lane(), commit(1), commit(0), "d0"), commit(2), commit(1), "d1"
    )
    back = build_queue.record_move(there, commit(1), commit(2), "d2")

    assert build_queue.record_move(back, commit(2), commit(1), "d1") == back
    assert not build_queue.comes_back(back, commit(2), commit(1), "d1")
    assert build_queue.comes_back(back, commit(2), commit(1), "d3")
    assert build_queue.record_move(back, commit(2), commit(1), "d3").head == QueueEntry(commit(2), 0)


def test_a_second_hook_that_tells_of_a_move_that_is_made_tells_nothing_new():
    there = build_queue.record_move(
        build_queue.record_move(Lane(), commit(1), commit(0), "d0"), commit(2), commit(1), "d1"
    )

    assert not build_queue.comes_back(there, commit(2), commit(1), "other")
    assert not build_queue.comes_back(there, commit(1), commit(0), "other")


def test_a_lane_of_an_older_pack_is_read_without_its_times():
    turn = {"commit": commit(1), "order": 3, "timestamp": 4102444800.0}
    known = build_queue.from_json(
        {"last": 3, "running": turn, "head": turn, "steps": [[commit(1), commit(0)]]}
    )

    assert known.running == known.head == QueueEntry(commit(1), 3)
    assert not build_queue.is_older(known, commit(8), commit(7))


def test_a_build_that_finishes_after_a_newer_one_does_not_replace_it():
    now = build_queue.mark_passed(arrive(arrive(Lane(), 1), 2), QueueEntry(commit(2), 2))

    assert build_queue.replaced_by(now, QueueEntry(commit(1), 1)) == commit(2)
    assert build_queue.mark_passed(now, QueueEntry(commit(1), 1)) == now
    assert not build_queue.replaced_by(now, QueueEntry(commit(2), 2))
    assert not build_queue.replaced_by(now, QueueEntry(commit(3), 3))


def test_who_is_asked_for_again_gets_a_new_turn_behind_who_runs():
    now = build_queue.enter(build_queue.enter(Lane(), commit(1)), commit(2))

    assert build_queue.enter(now, commit(2)) == now
    assert build_queue.leave(now, commit(1)).running == QueueEntry(commit(2), 2)
    assert build_queue.leave(now, commit(2)).waiting == ()


def test_the_lane_keeps_a_bounded_past():
    now = Lane()
    for number in range(1, 3 * build_queue.STEPS_KEPT):
        now = build_queue.record_move(now, commit(number), commit(number - 1), f"d{number}")

    assert len(now.steps) == build_queue.STEPS_KEPT
    assert len(now.deliveries) == build_queue.DELIVERIES_KEPT
