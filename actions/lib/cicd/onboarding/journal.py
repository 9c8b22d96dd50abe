"""What is known of projects that were added: who asked for what, and what was made of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Iterator, List, TypedDict

from cicd.config import Settings
from cicd.errors import Refused
from cicd.onboarding.wanted import Request
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store

PLACE, CHANGE = ".projects", "change"


class Entry(TypedDict, total=False):
    """The `request` of a project, what of it was `made` or begun, by whom, and whether it is `whole`."""

    request: Request
    made: List[str]
    who: str
    at: float
    whole: bool


@dataclass
class Journal:
    """What is written down of the project *name* before it is done, so that whoever comes later finds it."""

    store: Store
    name: str
    entry: Entry = field(default_factory=lambda: Entry())
    before: Entry = field(default_factory=lambda: Entry())  # as it was found

    def read(self) -> Entry:
        """Return what is written down; nothing of a project that was never added."""
        return self.store.json(key(self.name), Entry) or Entry()

    def begin(self, request: Request, who: str) -> None:
        """Write down that *who* asked for *request*."""
        self.before = self.read()
        made = self.before.get("made", [])
        self._write(Entry(request=request, made=made, who=who, at=time.time(), whole=False))

    def note(self, what: str) -> None:
        """Write down that *what* is about to be made."""
        self._write({**self.entry, "made": sorted({*self.entry["made"], what})})

    def end(self) -> None:
        """Write down that all of it is made."""
        self._write({**self.entry, "whole": True})

    def take_back(self) -> None:
        """Write down what was known before it began: what others made is there still."""
        if self.before:
            self._write(self.before)
        else:
            self.forget()

    def forget(self) -> None:
        """Write down nothing of the project any more."""
        self.store.delete(key(self.name))

    def _write(self, entry: Entry) -> None:
        self.entry = entry
        self.store.put(key(self.name), entry)


@contextmanager
def alone(settings: Settings, name: str, who: str, execution: str) -> Iterator[None]:
    """
    Keep others from adding or removing a project, since two may share a folder, a webhook, hosts or a port.

    Who comes meanwhile waits; what died is out of the way in a minute.
    """
    lock, holder = Lock(settings, PLACE, CHANGE), Holder(who, name, execution, time.time())
    try:
        session = lock.acquire(holder, 2.0 * settings.deploy.lock_ttl_seconds)
    except Refused:
        present = lock.holder() or holder
        raise Refused(
            f"{present.why} is being added or removed by {present.who or 'someone'}; nothing was changed.",
            f"Wait for the execution {present.execution}, then try again.",
        ) from None
    try:
        with lock.renewed(session):
            yield
    finally:
        lock.release(session)


def key(name: str) -> str:
    """Return where it is written down."""
    return f"cicd/{PLACE}/known/{name}"
