"""
Every interleaving of two deploys that share a lock, a record and a host, looked at exhaustively.

The model takes the rules of cicd.store.deploy_lock, cicd.clients.consul and cicd-converge one step at a time.
Between any two steps the lock may end by itself (its holder was away too long) or be taken over (a rollback,
a thief).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

WORKERS = 2
DEPLOYS = 2  # how often each worker begins a deploy


@dataclass(frozen=True)
class Rules:
    """What protects: each can be left out, to see that the explorer would find it."""

    lock: bool = True  # a write is refused without the lock
    compare: bool = True  # a write is refused when the record moved on since it was read
    hosts: bool = True  # a host refuses a generation that is not the advertised one


@dataclass(frozen=True)
class Worker:
    """Where one deploy is: it takes the lock, reads, writes, pushes to the host, confirms."""

    step: str = "idle"
    read: int = 0
    generation: int = 0
    begun: int = 0
    deposed: bool = False  # whether it lost the lock after it took it


@dataclass(frozen=True)
class State:
    holder: int = -1
    index: int = 0
    advertised: int = 0
    host: int = 0
    workers: tuple[Worker, ...] = (Worker(),) * WORKERS

    def with_worker(self, me: int, **changes: object) -> "State":
        worker = replace(self.workers[me], **changes)
        return replace(self, workers=(*self.workers[:me], worker, *self.workers[me + 1 :]))


class Broken(AssertionError):
    """A property does not hold."""


def steps(state: State, rules: Rules) -> Iterator[State]:
    if state.holder >= 0:
        lost = state.with_worker(state.holder, deposed=True)
        yield replace(lost, holder=-1)
    for me, worker in enumerate(state.workers):
        yield from WORK[worker.step](state, rules, me, worker)


def idle(state: State, rules: Rules, me: int, worker: Worker) -> Iterator[State]:
    if worker.begun == DEPLOYS:
        return
    free = state.holder < 0
    before = state if free else state.with_worker(state.holder, deposed=True)
    # When it is not free this is a rollback or a thief, who takes it over.
    taken = before.with_worker(me, step="took", begun=worker.begun + 1, deposed=False)
    yield replace(taken, holder=me)


def took(state: State, rules: Rules, me: int, worker: Worker) -> Iterator[State]:
    yield state.with_worker(me, step="read", read=state.index)


def read(state: State, rules: Rules, me: int, worker: Worker) -> Iterator[State]:
    if (rules.lock and state.holder != me) or (rules.compare and state.index != worker.read):
        yield state.with_worker(me, step="idle")
        return
    if state.holder != me or worker.deposed:
        raise Broken("wrote without the lock")
    if state.index != worker.read:
        raise Broken("wrote over what it had not read")
    written = replace(state, index=state.index + 1, advertised=state.index + 1)
    yield written.with_worker(me, step="written", generation=state.index + 1)


def written(state: State, rules: Rules, me: int, worker: Worker) -> Iterator[State]:
    if rules.hosts and worker.generation != state.advertised:
        yield state.with_worker(me, step="idle")
        return
    if worker.generation < state.host:
        raise Broken("a host went back to an older generation")
    yield replace(state, host=worker.generation).with_worker(me, step="pushed")


def pushed(state: State, rules: Rules, me: int, worker: Worker) -> Iterator[State]:
    """Confirm: the lock is joined again when it is free and the generation is still ours."""
    ours = worker.generation == state.advertised
    if state.holder not in (-1, me) or not ours:
        yield state.with_worker(me, step="idle")
        return
    if state.host != worker.generation:
        raise Broken("confirmed what the host does not run")
    yield replace(state, index=state.index + 1, holder=-1).with_worker(me, step="idle")


WORK = {"idle": idle, "took": took, "read": read, "written": written, "pushed": pushed}


def explore(rules: Rules) -> int:
    """Return how many states there are; raises Broken at the first that breaks a property."""
    seen, waiting = {State()}, [State()]
    while waiting:
        for after in steps(waiting.pop(), rules):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return len(seen)


def test_no_interleaving_lets_two_holders_write_or_a_stale_worker_change_a_host():
    assert explore(Rules()) > 1000


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        (Rules(lock=False), "wrote without the lock"),
        (Rules(lock=False, compare=False), "wrote"),
        (Rules(hosts=False), "a host went back"),
    ],
)
def test_without_any_one_of_the_rules_the_explorer_finds_what_goes_wrong(rules, broken):
    with pytest.raises(Broken, match=broken):
        explore(rules)
