"""What a receiver is told of a project: in order, each once, again later when it cannot be told now."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Callable, Generic, Iterable, Iterator, Sequence, TypedDict, TypeVar

from cicd.ci.build_reconciler import Event
from cicd.config import Project
from cicd.errors import ReceiverBusy, ReceiverError, UnreadableError
from cicd.reports import told as memory
from cicd.reports.told import Item, StoredTold, Told
from cicd.store.store import Store

AT_ONCE_SECONDS = 60  # the rest is told by the next action

T = TypeVar("T", bound=Item)


class Telling(TypedDict):
    """How much was `told`, what is `left`, and the `problem` that the receiver had; empty for none."""

    told: int
    left: int
    problem: str


def of_each(projects: Iterable[Project], find: Callable[[Project], Iterable[Event]]) -> Iterator[Event]:
    """Yield what *find* finds of each project; what is unreadable of one is raised after all the others."""
    wrong: list[UnreadableError] = []
    for project in projects:
        try:
            yield from find(project)
        except UnreadableError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]


class Outbox(ABC, Generic[T]):
    """
    What *receiver* is told of *project*; the history and the runs are the outbox, *key* the memory.

    A subclass says what is `pending`, and how one thing is told.
    """

    def __init__(self, store: Store, project: str, key: str, receiver: str) -> None:
        self._store = store
        self._name = project
        self._key = key
        self._receiver = receiver
        self._mine = uuid.uuid4().hex

    @abstractmethod
    def pending(self, told: Told) -> Sequence[T]:
        """Return what is to be told after what was *told*, oldest first."""

    @abstractmethod
    def post(self, told: Told, one: T) -> Told:
        """
        Tell *one*, and return the memory with what is to be known for the next.

        ReceiverBusy when it is worth another try, ReceiverError when it is not.
        """

    def asking(self, told: Told, now: float) -> Told:
        """Return what was *told*, with what the receiver asks for *now*."""
        return told

    def told(self) -> Told | None:
        """Return what was told; None when nothing ever was."""
        return memory.parse(self._store.json(self._key, StoredTold) or {})

    def tell(self) -> Telling:
        """Tell what is to be told."""
        told = self._claim()
        if told is None:
            problem = f"another action reports to {self._receiver}, or it is left alone for now"
            return {"told": 0, "left": 0, "problem": problem}
        until = time.monotonic() + AT_ONCE_SECONDS
        count, pending = 0, self._pending(told)
        try:
            while pending and time.monotonic() < until:
                told = self._tell(told, pending[0])
                if told.busy != self._mine or told.is_left_alone(time.time()):
                    break
                count, pending = count + 1, pending[1:] or self._pending(told)
        finally:
            self._write({"busy": "", "busy_until": 0})
        return {"told": count, "left": len(pending), "problem": told.problem}

    def _claim(self) -> Told | None:
        now = time.time()
        first = Told(self._store.generation(self._name), now - memory.RECENT_SECONDS)

        def claimed(document: StoredTold) -> StoredTold:
            told = self.asking(memory.parse(document) or first, now)
            known = memory.claim(told, self._mine, now)
            return {**document, **memory.as_json(known)} if known else document

        told = memory.parse(self._store.update(self._key, claimed)[1])
        return told if told and told.busy == self._mine else None

    def _pending(self, told: Told) -> Sequence[T]:
        return [] if told.is_left_alone(time.time()) else self.pending(told)

    def _tell(self, told: Told, one: T) -> Told:
        try:
            known = replace(self.post(told, one), tries=0, problem="")
        except ReceiverBusy as error:
            return self._keep(memory.back_off(told, error.seconds, error.message, time.time()))
        except ReceiverError as error:
            known = replace(told, problem=error.message)
        return self._keep(memory.mark(known, one))

    def _keep(self, told: Told) -> Told:
        """Return what is remembered from now on: *told*, unless another action has the claim by now."""
        renewed = replace(told, busy_until=time.time() + memory.LEASE_SECONDS)
        return memory.parse(self._write(memory.as_json(renewed))) or replace(told, busy="")

    def _write(self, changed: StoredTold) -> StoredTold:
        def written(now: StoredTold) -> StoredTold:
            return {**now, **changed} if now.get("busy") == self._mine else now

        return self._store.update(self._key, written)[1]
