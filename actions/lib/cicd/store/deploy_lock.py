"""The deploy lock of a ring: one deploy at a time, and none that outlives its holder."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Iterator, List

from consul.exceptions import NotFound

from cicd.clients.consul import Connection, Items, Operation, set_
from cicd.config import Settings
from cicd.errors import CicdError, ConsulError, Refused
from cicd.release.record import Release
from cicd.release.rollout_record import CANCELLED, SILENT_SECONDS, RolloutRecord, rollout_key

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


@dataclass(frozen=True)
class Held:
    """By which session the lock is held, and by whom; nobody when it is free."""

    session: str = ""
    holder: Holder | None = None


FREE = Held()


class Lock:
    """
    The lock of one ring of one project: the key `cicd/<project>/lock/<ring>`, held by a session.

    A deploy is many processes: each renews the session while it works, and finds it again by
    the generation of the deploy. Between two of them nobody renews, so the time to live is
    longer than any gap between two actions.
    """

    def __init__(
        self, settings: Settings, project: str, ring: str, connection: Connection | None = None
    ) -> None:
        self._settings = settings
        self._connection = connection or Connection(settings)
        self._project, self._ring = project, ring
        self._key = key(project, ring)
        ttl = settings.deploy.lock_ttl_seconds
        self._session_ttl = max(SHORTEST_SESSION, ttl // SESSION_SHARE)

    def holder(self) -> Holder | None:
        """Return who holds the lock, None when it is free."""
        return self._held().holder

    def acquire(self, holder: Holder, wait_seconds: float = 0, known: Held | None = None) -> str:
        """
        Return a new session that holds the lock; Refused while somebody else has it.

        Whoever read a moment ago who holds it says so by *known*.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            present = known or self._held()
            session = "" if present.session else self._acquire(holder)
            if session:
                return session
            if time.monotonic() >= deadline:
                raise self._refusal(self._held())
            known = None
            time.sleep(POLL_SECONDS)

    def preempt(self, holder: Holder, known: Held | None = None) -> str:
        """Return a new session that holds the lock, whoever had it: a rollback waits for nobody."""
        present = known or self._held()
        if present.session:
            self.release(present.session)
        return self.acquire(holder, known=FREE)

    def resume(self, generation: int, holder: Holder, known: Held | None = None) -> str:
        """
        Return the session by which the deploy of *generation* holds the lock, renewed.

        When it died between two actions and nobody else came, the deploy acquires the lock again.
        """
        present = known or self._held()
        if present.holder and present.holder.generation == generation and self._renew(present.session):
            return present.session
        return self.acquire(replace(holder, generation=generation))

    def fence(self, session: str, holder: Holder) -> Fence:
        """Return what a change adds to its transaction to be refused when *session* lost the lock."""

        def operations(after: Release) -> list[Operation]:
            held = replace(holder, generation=after.ring(self._ring).generation)
            return [set_(self._key, json.dumps(asdict(held)), session)]

        return operations

    def give_up(self, generation: int, known: Held | None = None) -> None:
        """Release what the deploy of *generation* holds, when it does: its last step is over."""
        present = known or self._held()
        if present.holder and present.holder.generation == generation:
            self.release(present.session)

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

    def renew_interval(self) -> float:
        """Return after how many seconds to renew."""
        return self._session_ttl / 3

    def still_held(self, session: str) -> bool:
        """Return whether *session*, renewed, holds the lock still."""
        return self._renew(session) and self._held().session == session

    def _acquire(self, holder: Holder) -> str:
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

    def _held(self) -> Held:
        item = self._connection.item(self._key)
        return held({self._key: item} if item else {}, self._project, self._ring)

    def _refusal(self, held: Held) -> Refused:
        present = held.holder
        label = f"{self._project} is being deployed to {self._ring}"
        if present is None:
            return Refused(f"{label} by someone who is just done.", "Try again.")
        known = self._connection.json(rollout_key(self._project, present.generation), RolloutRecord) or {}
        said = _seen(present, known.get("state") == CANCELLED, float(known.get("at", 0)), time.time())
        return Refused(
            f"{label} by {present.who or 'someone'} ({present.why}), "
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
        return f"{lasted}; it was cancelled and is about to be rolled back"
    if quiet > SILENT_SECONDS:
        return f"{lasted}; no sign of life for {quiet:.0f} s: if it died, it is rolled back by itself"
    return lasted


def held(items: Items, project: str, ring: str) -> Held:
    """Return who holds the lock of *ring* of *project*, as *items* of Consul say."""
    item = items.get(key(project, ring)) or {}
    return Held(str(item["Session"]), _read(item["Value"])) if item.get("Session") else FREE


def key(project: str, ring: str) -> str:
    """Return the key of the lock of *ring* of *project*."""
    return f"cicd/{project}/lock/{ring}"


def _keep(lock: Lock, session: str, done: threading.Event, lost: threading.Event) -> None:
    while not done.wait(lock.renew_interval()):
        try:
            kept = lock.still_held(session)
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
