"""
The lane of a project: one build runs, the newest commit waits, all others are superseded. Pure.

Pushes may arrive in any order. Each says which commit was there before, so the order is known once
the pushes between have arrived: until its turn comes, what waits is a set. Where no step leads, the
order of arrival counts. The time of a commit never does: anybody can write any.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import List, Optional, Tuple, TypedDict, cast

STEPS_KEPT = 100
DELIVERIES_KEPT = 200
NONE = "0" * 40


class StoredEntry(TypedDict):
    """See QueueEntry; lanes of older packs have a time as well."""

    commit: str
    order: int


class StoredLane(TypedDict, total=False):
    """A lane as Consul keeps it, see Lane."""

    last: int
    running: Optional[StoredEntry]
    waiting: List[StoredEntry]
    passed: Optional[StoredEntry]
    head: Optional[StoredEntry]
    steps: List[Tuple[str, str]]
    deliveries: List[str]


@dataclass(frozen=True)
class QueueEntry:
    """A commit's place: `order` as turns were given."""

    commit: str
    order: int


@dataclass(frozen=True)
class Lane:
    """
    Whose turn it is.

    `last` is the newest order given, `passed` the newest turn that passed CI, `steps` the
    latest moves of the branch as (commit, the one before), which never lead in a circle, `head` the
    commit it was seen at last, `deliveries` those that told of a move.
    """

    last: int = 0
    running: Optional[QueueEntry] = None
    waiting: Tuple[QueueEntry, ...] = ()
    passed: Optional[QueueEntry] = None
    head: Optional[QueueEntry] = None
    steps: Tuple[Tuple[str, str], ...] = ()
    deliveries: Tuple[str, ...] = ()


def record_move(lane: Lane, commit: str, before: str, delivery: str = "") -> Lane:
    """Record that the branch moved from *before* to *commit*; unchanged when *delivery* told so before."""
    if was_told(lane, delivery):
        return lane
    known = replace(lane, deliveries=(*lane.deliveries, delivery)[-DELIVERIES_KEPT:]) if delivery else lane
    if not is_older(lane, commit, before):
        return replace(_stepped(known, commit, before), head=QueueEntry(commit, 0))
    return known if came_before(lane, commit, before) else _stepped(known, commit, before)


def was_told(lane: Lane, delivery: str) -> bool:
    """Whether *delivery* came before: the same push, sent again."""
    return bool(delivery) and delivery in lane.deliveries


def is_older(lane: Lane, commit: str, before: str = "") -> bool:
    """Whether the branch moved from *before* to *commit* before it was at its head, as its steps say."""
    head = lane.head
    if head is None or head.commit in (commit, before):
        return False
    return came_before(lane, commit, head.commit)


def comes_back(lane: Lane, commit: str, before: str, delivery: str) -> bool:
    """Whether the branch was at *commit*, left it, and is moved there again by another push."""
    is_there = lane.head is None or lane.head.commit == commit
    was_there = any(commit in step for step in lane.steps)
    return was_there and not (is_there or was_told(lane, delivery) or is_older(lane, commit, before))


def came_before(lane: Lane, earlier: str, later: str) -> bool:
    """Whether the known steps lead from *earlier* to *later*."""
    return bool(_next(lane, earlier, later))


def enter(lane: Lane, commit: str) -> Lane:
    """Give *commit* a turn: at once when nothing runs, else it waits. Unchanged when it has one."""
    if has(lane, commit):
        return lane
    turn = QueueEntry(commit, lane.last + 1)
    entered = replace(lane, last=turn.order)
    if lane.running is None:
        return replace(entered, running=turn)
    return _without_superseded(replace(entered, waiting=(*lane.waiting, turn)))


def leave(lane: Lane, commit: str) -> Lane:
    """End the turn of *commit*; the newest that waited runs next, and the others never do."""
    left = replace(lane, waiting=tuple(turn for turn in lane.waiting if turn.commit != commit))
    if not lane.running or lane.running.commit != commit:
        return left
    return replace(left, running=newest(_without_superseded(left)), waiting=())


def newest(lane: Lane) -> QueueEntry | None:
    """Return the newest turn that waits: by the steps of the branch, else the last that came."""
    return max(lane.waiting, key=lambda turn: turn.order, default=None)


def superseded(before: Lane, after: Lane) -> dict[str, str]:
    """Return the commits that waited before and have no turn after, each with the one that took it."""
    successor = newest(after) or after.running
    lost = [turn.commit for turn in before.waiting if not has(after, turn.commit)]
    return {commit: successor.commit for commit in lost if successor}


def mark_passed(lane: Lane, turn: QueueEntry) -> Lane:
    """Record that *turn* passed CI; unchanged when a newer one did."""
    return lane if replaced_by(lane, turn) else replace(lane, passed=turn)


def replaced_by(lane: Lane, turn: QueueEntry) -> str:
    """Return the newer commit that passed CI before *turn* did; empty when there is none."""
    passed = lane.passed
    if passed is None or passed.commit == turn.commit or came_before(lane, passed.commit, turn.commit):
        return ""
    is_behind = came_before(lane, turn.commit, passed.commit) or turn.order < passed.order
    return passed.commit if is_behind else ""


def has(lane: Lane, commit: str) -> bool:
    """Whether *commit* has a turn that did not end."""
    return any(turn and turn.commit == commit for turn in (lane.running, *lane.waiting))


def to_json(lane: Lane) -> StoredLane:
    """Return *lane* as plain data for the store."""
    plain = asdict(lane)
    lists = {"waiting": list(plain["waiting"]), "deliveries": list(lane.deliveries)}
    return cast(StoredLane, {**plain, **lists, "steps": [list(step) for step in lane.steps]})


def from_json(value: StoredLane) -> Lane:
    """Return the lane that to_json wrote; an empty one from nothing."""
    return Lane(
        last=int(value.get("last", 0)),
        running=_turn(value.get("running")),
        waiting=tuple(QueueEntry(one["commit"], int(one["order"])) for one in value.get("waiting", ())),
        passed=_turn(value.get("passed")),
        head=_turn(value.get("head")),
        steps=tuple((commit, before) for commit, before in value.get("steps", ())),
        deliveries=tuple(value.get("deliveries", ())),
    )


def _turn(value: StoredEntry | None) -> QueueEntry | None:
    return QueueEntry(value["commit"], int(value["order"])) if value else None


def _stepped(lane: Lane, commit: str, before: str) -> Lane:
    """Add the step to *commit*; where the branch comes back, it forgets how it went away from there."""
    if before in ("", NONE, commit):
        return lane
    gone = (commit, _next(lane, commit, before))
    steps = (*(step for step in lane.steps if step[0] not in gone), (commit, before))
    return replace(lane, steps=steps[-STEPS_KEPT:])


def _next(lane: Lane, earlier: str, later: str) -> str:
    """Return where the branch went from *earlier* on its way to *later*; empty when no steps lead there."""
    before, at = dict(lane.steps), later
    for _ in lane.steps:
        if before.get(at) == earlier:
            return at
        at = before.get(at, "")
    return ""


def _without_superseded(lane: Lane) -> Lane:
    def is_superseded(turn: QueueEntry) -> bool:
        others = [other for other in (lane.running, *lane.waiting) if other and other != turn]
        return any(came_before(lane, turn.commit, other.commit) for other in others)

    return replace(lane, waiting=tuple(turn for turn in lane.waiting if not is_superseded(turn)))
