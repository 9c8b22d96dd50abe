"""
The lane of a project: one build runs, the newest commit waits, all others are superseded. Pure.

Pushes may arrive in any order, and several within the second that their commits' times can tell
apart. Each says which commit was there before, so the order is known once the pushes between have
arrived: until its turn comes, what waits is a set.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Mapping, Optional, Tuple

STEPS_KEPT = 100
NONE = "0" * 40


@dataclass(frozen=True)
class Turn:
    """A commit's place: `order` as turns were given, `timestamp` as its commit says (epoch seconds)."""

    commit: str
    order: int
    timestamp: float = 0.0


@dataclass(frozen=True)
class Lane:
    """
    Whose turn it is.

    `last` is the newest order given, `passed` the newest turn that passed CI, `steps` the
    latest moves of the branch as (commit, the one before), `head` the commit it was seen at last.
    """

    last: int = 0
    running: Optional[Turn] = None
    waiting: Tuple[Turn, ...] = ()
    passed: Optional[Turn] = None
    head: Optional[Turn] = None
    steps: Tuple[Tuple[str, str], ...] = ()


def see(lane: Lane, commit: str, before: str, timestamp: float, forced: bool = False) -> Lane:
    """Record that the branch moved from *before* to *commit*."""
    step = ((commit, before),) if before not in ("", NONE, commit) else ()
    known = replace(lane, steps=(*(s for s in lane.steps if s not in step), *step)[-STEPS_KEPT:])
    if is_older(known, commit, timestamp, forced):
        return known
    return replace(known, head=Turn(commit, 0, timestamp))


def is_older(lane: Lane, commit: str, timestamp: float = 0.0, forced: bool = False) -> bool:
    """Whether the branch was at *commit* before it was at its head: by its steps, else by their times."""
    head = lane.head
    if head is None or head.commit == commit:
        return False
    if came_before(lane, commit, head.commit):
        return True
    if forced or came_before(lane, head.commit, commit):
        return False
    return 0 < timestamp < head.timestamp


def came_before(lane: Lane, earlier: str, later: str) -> bool:
    """Whether the known steps lead from *earlier* to *later*."""
    before, at, seen = dict(lane.steps), later, set()
    while at in before and at not in seen:
        seen.add(at)
        at = before[at]
        if at == earlier:
            return True
    return False


def enter(lane: Lane, commit: str, timestamp: float) -> Lane:
    """Give *commit* a turn: at once when nothing runs, else it waits. Unchanged when it has one."""
    if has(lane, commit):
        return lane
    turn = Turn(commit, lane.last + 1, timestamp)
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


def newest(lane: Lane) -> Turn | None:
    """Return the newest turn that waits: by the steps of the branch, else by time."""
    return max(lane.waiting, key=lambda turn: (turn.timestamp, turn.order), default=None)


def superseded(before: Lane, after: Lane) -> dict[str, str]:
    """Return the commits that waited before and have no turn after, each with the one that took it."""
    successor = newest(after) or after.running
    lost = [turn.commit for turn in before.waiting if not has(after, turn.commit)]
    return {commit: successor.commit for commit in lost if successor}


def passes(lane: Lane, turn: Turn) -> Lane:
    """Record that *turn* passed CI; unchanged when a newer one did."""
    return lane if replaced_by(lane, turn) else replace(lane, passed=turn)


def replaced_by(lane: Lane, turn: Turn) -> str:
    """Return the newer commit that passed CI before *turn* did; empty when there is none."""
    passed = lane.passed
    if passed is None or passed.commit == turn.commit or came_before(lane, passed.commit, turn.commit):
        return ""
    is_behind = came_before(lane, turn.commit, passed.commit) or turn.order < passed.order
    return passed.commit if is_behind else ""


def has(lane: Lane, commit: str) -> bool:
    """Whether *commit* has a turn that did not end."""
    return any(turn and turn.commit == commit for turn in (lane.running, *lane.waiting))


def to_json(lane: Lane) -> dict[str, Any]:
    """Return *lane* as plain data for the store."""
    plain = asdict(lane)
    return {**plain, "waiting": list(plain["waiting"]), "steps": [list(step) for step in lane.steps]}


def from_json(value: Mapping[str, Any]) -> Lane:
    """Return the lane that to_json wrote; an empty one from nothing."""
    single = {name: Turn(**value[name]) for name in ("running", "passed", "head") if value.get(name)}
    return Lane(
        last=int(value.get("last", 0)),
        waiting=tuple(Turn(**turn) for turn in value.get("waiting", ())),
        steps=tuple((commit, before) for commit, before in value.get("steps", ())),
        **single,
    )


def _without_superseded(lane: Lane) -> Lane:
    def is_superseded(turn: Turn) -> bool:
        others = [other for other in (lane.running, *lane.waiting) if other and other != turn]
        return any(came_before(lane, turn.commit, other.commit) for other in others)

    return replace(lane, waiting=tuple(turn for turn in lane.waiting if not is_superseded(turn)))
