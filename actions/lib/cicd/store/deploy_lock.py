"""The deploy lock of a ring: one deploy at a time, and none that outlives its holder."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Iterator, List

from consul.exceptions import NotFound

from cicd.clients.consul import Connection, Operation, set_
from cicd.config import Settings
from cicd.errors import CicdError, ConsulError, Refused
from cicd.release.record import CANCELLED, SILENT_SECONDS, Release, rollout_key

POLL_SECONDS = 0.5
# Consul ends a session two TTLs after it was last renewed, and takes none below ten seconds.
SESSION_SHARE = 2
SHORTEST_SESSION = 10

Fence = Callable[[Release], List[Operation]]


@dataclass(frozen=True)
class Holder:
    """Who deploys to a ring, why, in which execution, since when, and of which generation."""

    who: str
    why: str
    execution: str
    since: float
    generation: int = 0


class Lock:
    """
    The lock of one ring of one project: the key `cicd/<project>/lock/<ring>`, held by a session.

    A deploy is many processes: each renews the session while it works, and finds it again by
    the generation of the deploy. Between two of them nobody renews, so the time to live is
    longer than any gap between two actions.
    """

    def __init__(self, settings: Settings, project: str, ring: str) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self._project, self._ring = project, ring
        self._key = key(project, ring)
        ttl = int(settings.deploy["lock_ttl_seconds"])
        self._session_ttl = max(SHORTEST_SESSION, ttl // SESSION_SHARE)

    def holder(self) -> Holder | None:
        """Return who holds the lock, None when it is free."""
        return self._holder()[1]

    def take(self, holder: Holder, wait_seconds: float = 0) -> str:
        """Return a new session that holds the lock; Refused while somebody else has it."""
        deadline = time.monotonic() + wait_seconds
        while True:
            session = self._acquire(holder)
            if session:
                return session
            if time.monotonic() >= deadline:
                raise self._held()
            time.sleep(POLL_SECONDS)

    def take_over(self, holder: Holder) -> str:
        """Return a new session that holds the lock, whoever had it: a rollback waits for nobody."""
        present = self._holder()[0]
        if present:
            self.release(present)
        return self.take(holder)

    def join(self, generation: int, holder: Holder) -> str:
        """
        Return the session by which the deploy of *generation* holds the lock, renewed.

        When it died between two actions and nobody else came, the deploy takes the lock again.
        """
        session, present = self._holder()
        if session and present and present.generation == generation and self._renew(session):
            return session
        return self.take(replace(holder, generation=generation))

    def fence(self, session: str, holder: Holder) -> Fence:
        """Return what a change adds to its transaction to be refused when *session* lost the lock."""

        def operations(after: Release) -> list[Operation]:
            held = replace(holder, generation=after.ring(self._ring).generation)
            return [set_(self._key, json.dumps(asdict(held)), Verb="lock", Session=session)]

        return operations

    def give_up(self, generation: int) -> None:
        """Release what the deploy of *generation* holds, when it does: its last step is over."""
        session, present = self._holder()
        if session and present and present.generation == generation:
            self.release(session)

    def release(self, session: str) -> None:
        """Give up what *session* holds; when Consul is away it ends by itself."""
        try:
            self._connection.ask(lambda c: c.session.destroy(session))
        except ConsulError:
            return

    @contextmanager
    def renewed(self, session: str) -> Iterator[Callable[[], None]]:
        """Renew *session* while the block works; what it is given raises Refused once the lock is lost."""
        done, lost = threading.Event(), threading.Event()
        arguments = (Lock(self._settings, self._project, self._ring), session, done, lost)
        worker = threading.Thread(target=_keep, args=arguments, daemon=True)
        worker.start()
        try:
            yield lambda: self._refuse_lost(lost)
        finally:
            done.set()
            worker.join()

    def period(self) -> float:
        """Return after how many seconds to renew."""
        return self._session_ttl / 3

    def keeps(self, session: str) -> bool:
        """Return whether *session*, renewed, holds the lock still."""
        return self._renew(session) and self._holder()[0] == session

    def _acquire(self, holder: Holder) -> str:
        if self._holder()[0]:
            return ""
        ask, ttl = self._connection.ask, self._session_ttl
        name = f"cicd deploys {self._project} to {self._ring}"
        # No lock delay: a stale holder is kept off by its generation, not by waiting.
        session = str(ask(lambda c: c.session.create(name=name, ttl=ttl, behavior="delete", lock_delay=0)))
        value = json.dumps(asdict(holder))
        try:
            if ask(lambda c: c.kv.put(self._key, value, acquire=session)):
                return session
        except CicdError:
            self.release(session)
            raise
        self.release(session)
        return ""

    def _renew(self, session: str) -> bool:
        try:
            self._connection.ask(lambda c: c.session.renew(session))
        except ConsulError as error:
            if isinstance(error.__cause__, NotFound):
                return False
            raise
        return True

    def _holder(self) -> tuple[str, Holder | None]:
        item = self._connection.item(self._key)
        if not item or not item.get("Session"):
            return "", None
        return str(item["Session"]), _read(item["Value"])

    def _held(self) -> Refused:
        present = self.holder()
        label = f"{self._project} is being deployed to {self._ring}"
        if present is None:
            return Refused(f"{label} by somebody who is just done.", "Try again.")
        known = self._connection.json(rollout_key(self._project, present.generation)) or {}
        said = _seen(present, known.get("state") == CANCELLED, float(known.get("at", 0)), time.time())
        return Refused(
            f"{label} by {present.who or 'somebody'} ({present.why}), "
            f"execution {present.execution or 'unknown'}, {said}.",
            f"Wait for it, or take over: st2 run cicd.steal_lock project={self._project} reason=…",
            execution=present.execution,
        )

    def _refuse_lost(self, lost: threading.Event) -> None:
        if lost.is_set():
            raise Refused(
                f"{self._project}'s deploy to {self._ring} lost its lock; it goes no further.",
                f"It was stolen or overtaken; see `st2 run cicd.list_history project={self._project}`.",
            )


def _seen(holder: Holder, is_cancelled: bool, at: float, now: float) -> str:
    """Return for how long *holder* deploys, or that it seems dead; *at* is its last sign of life."""
    lasted, quiet = f"for {max(0.0, now - holder.since):.0f} s", now - max(holder.since, at)
    if is_cancelled:
        return f"{lasted}; it was cancelled and is about to be taken back"
    if quiet > SILENT_SECONDS:
        return f"{lasted}; no sign of life for {quiet:.0f} s: if it died, it is taken back by itself"
    return lasted


def key(project: str, ring: str) -> str:
    """Return the key of the lock of *ring* of *project*."""
    return f"cicd/{project}/lock/{ring}"


def _keep(lock: Lock, session: str, done: threading.Event, lost: threading.Event) -> None:
    while not done.wait(lock.period()):
        try:
            kept = lock.keeps(session)
        except CicdError:
            continue  # Consul may be back before the session ends; if not, the next question says so
        if not kept:
            lost.set()
            return


def _read(value: Any) -> Holder | None:
    try:
        return Holder(**json.loads(value))
    except (TypeError, ValueError):
        return None
