"""Change which version a ring is wanted to run, with its deploy lock held."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Callable, Iterator, Sequence

from cicd import identifiers
from cicd.ci import progress
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.deploy import commands
from cicd.errors import CicdError
from cicd.fleet import rollout_log
from cicd.release import approvals, stop
from cicd.release.lifecycle import PRODUCTION
from cicd.release.record import EMPTY, RESTORING, STOPPED, Build, Cause, Ring
from cicd.release.rollout_record import rollout_key
from cicd.release.transitions import Release
from cicd.release.version import package_name
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger
from cicd.repository.published import offered
from cicd.sanitize import one_line
from cicd.store.change import Change, Command
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.snapshot import Look, More, Snapshot, nothing
from cicd.store.store import Store

FRESH_SECONDS = 2  # for so long what was seen before the lock was free is good for a decision


class Deploy:
    """The changes of one project's release that actions ask for: seen once, decided, written once."""

    def __init__(self, settings: Settings, project: str, who: str = "", execution: str = "") -> None:
        self._settings = settings
        self.project: Project = settings.project(project)
        self._store = Store(settings)
        self._who = one_line(who, 100)
        self._execution = execution or own_execution()

    def look(self, keys: Sequence[str] = (), more: More = nothing) -> Snapshot:
        """Return what is known of the project and its hosts, with *keys*, and *more* by its record."""
        return self._store.look(Look(self.project, keys=keys, more=more))

    def advertise_canary(self, version: str, package: str = "", new_history: bool = False) -> Release:
        """
        Want the published *version* on the first ring, whose hosts must all be reachable.

        With *new_history* all that was published before comes before it, whatever dpkg says.
        """
        build = self._offered(version, package)
        before = self._published_before(build) if new_history else None
        return self._begin(
            self.project.lifecycle.first,
            lambda seen: commands.advertise_canary(seen, build, self._who, before),
            Look(self.project, keys=commands.keys_of(self.project.name, build)),
            self._settings.deploy.lock_wait_seconds,
        )

    def look_before_promotion(self) -> Snapshot:
        """Return what must be known to promote."""
        return self.look(more=commands.keys_of_promotions)

    def promote(self, ring_name: str, plan: str = "", due: int = 0, expected: str = "") -> Release:
        """Want on the ring what the rings before it run; commands.promotable holds at this very moment."""
        at = Look(self.project, more=commands.keys_of_promotions)
        return self._begin(
            ring_name, lambda seen: commands.promote(seen, ring_name, self._who, plan, due, expected), at
        )

    def roll_back(
        self, ring_name: str, because: str = "", generation: int = 0, expected: str = ""
    ) -> Release:
        """
        Want on the ring the good version before the present one; a deploy under way is overtaken.

        What nobody asked for, but happens *because* of an alarm or a bad verdict, takes back only
        *generation*, about which that was judged, and only once.
        """
        return self._begin(
            ring_name,
            lambda seen: commands.roll_back(seen, ring_name, because, generation, expected),
            Look(self.project),
            wait_seconds=None,
        )

    def break_glass(
        self, version: str, role: str, why: str, package: str = "", ring_name: str = PRODUCTION
    ) -> Release:
        """Want the published *version* on the ring past every guard, for who is in *role*; audited."""
        approvals.refuse_role(self._settings.break_glass, role, self._who)
        said, build = approvals.reason(one_line(why)), self._offered(version, package)
        return self._begin(
            ring_name,
            lambda seen: commands.break_glass(seen, ring_name, build, self._who, role, said),
            Look(self.project, keys=commands.keys_of(self.project.name, build)),
            wait_seconds=None,
        )

    def restore(self, ring_name: str, generation: int) -> Release:
        """Undo the deploy of *generation*, or go on going back; its lock is free when the ring is stopped."""
        seen, change, session = self._go_on(
            ring_name, generation, lambda now: commands.restore(now, ring_name, generation), hosts=False
        )
        walked, why = seen.release.ring(ring_name), commands.ended(seen, ring_name, generation)
        if change.release.ring(ring_name).state == STOPPED:
            self._lock(ring_name).release(session)
        if walked.wanted and not walked.backward:
            failed = replace(why, step=f"{ring_name}: {why.step or 'deploy'}")
            progress.stopped(self._store, self.project.name, walked.wanted.commit, failed)
        return change.release

    def note(self, ring_name: str, generation: int, step: str, error: CicdError) -> Ring:
        """
        Keep that a *step* of the deploy of *generation* failed, and return the ring.

        One that went back already is over by that, and gives the lock up.
        """
        ended = stop.of(step, error, self._execution, _now())
        seen = self._store.look(Look(self.project, hosts=False))
        current = seen.release.ring(ring_name)
        number = generation or current.generation
        rollout_log.note(self._store, self.project.name, ring_name, number, ended)
        if current.generation == number and current.state in (RESTORING, EMPTY):
            self._lock(ring_name).give_up(number, seen.held(ring_name))
        return current

    def confirm(self, ring_name: str, generation: int) -> tuple[Release, tuple[str, ...]]:
        """
        Record that every host of the ring reports *generation*'s version and is healthy.

        Hosts that failed within the budget are returned, too; the ring is degraded then.
        """
        _, change, session = self._go_on(
            ring_name, generation, lambda now: commands.confirm(now, ring_name, generation)
        )
        self._lock(ring_name).release(session)
        return change.release, change.excused

    @contextmanager
    def holding_lock(self, ring_name: str, generation: int) -> Iterator[Callable[[], None]]:
        """
        Hold the ring's lock for the deploy of *generation* while the block works on its hosts.

        What the block is given raises Refused once it must stop: the lock was lost, a newer deploy
        or a rollback overtook this one, or its version was vetoed or production pinned to another.
        """
        at, lock = Look(self.project, hosts=False), self._lock(ring_name)

        def refuse_overtaken() -> Snapshot:
            seen = self._store.look(at)
            commands.refuse_overtaken(seen, ring_name, generation)
            return seen

        held = refuse_overtaken().held(ring_name)
        session = lock.resume(generation, self._holder("update hosts"), held)
        with lock.renewed(session) as refuse_lost:
            self._deliver(ring_name)

            def still_ours() -> None:
                refuse_lost()
                refuse_overtaken()

            yield still_ours

    def _deliver(self, ring_name: str) -> None:
        """Hosts obey what their own datacentre says: before they are asked to, it must say it."""
        where = self.project.lifecycle.stage(ring_name).datacenter
        if where:
            self._store.elsewhere.deliver(self.project, where)

    def _offered(self, version: str, package: str) -> Build:
        name = package or package_name(self.project.name)
        return offered(self._settings, self.project, name, version)

    def _published_before(self, build: Build) -> set[str]:
        later = Ledger(self._settings).published_after(self.project.name, build.version)
        entries = Repository(self._settings, self.project).entries()
        return {entry["Version"] for entry in entries if entry.get("Package") == build.package} - later

    def _begin(self, ring_name: str, command: Command, at: Look, wait_seconds: float | None = 0) -> Release:
        """
        Change the ring with its lock taken; the steps that follow find it taken.

        *wait_seconds* None waits for nobody, and takes it over. What would be refused is refused before.
        """
        began, seen = time.monotonic(), self._store.look(at)
        lock, holder = self._lock(ring_name), self._holder(command(seen).why)
        held = seen.held(ring_name)
        session = (
            lock.preempt(holder, held) if wait_seconds is None else lock.acquire(holder, wait_seconds, held)
        )
        is_fresh = time.monotonic() - began < FRESH_SECONDS
        try:
            fence = lock.fence(session, holder)
            change = self._store.apply(
                at, ring_name, command, self._cause(), fence, seen if is_fresh else None
            )
        except CicdError:
            lock.release(session)
            raise
        return change.release

    def _go_on(
        self, ring_name: str, generation: int, command: Command, hosts: bool = True
    ) -> tuple[Snapshot, Change, str]:
        """Change the ring as a later step of a deploy; return what was seen and done, and its session."""
        at = Look(self.project, hosts, keys=[rollout_key(self.project.name, generation)])
        seen = self._store.look(at)
        lock, holder = self._lock(ring_name), self._holder(command(seen).why)
        session = lock.resume(generation, holder, seen.held(ring_name))
        fence = lock.fence(session, holder)
        return seen, self._store.apply(at, ring_name, command, self._cause(), fence, seen), session

    def _lock(self, ring_name: str) -> Lock:
        ring = self.project.lifecycle.stage(identifiers.check("ring", ring_name)).name
        return Lock(self._settings, self.project.name, ring, self._store)

    def _holder(self, why: str) -> Holder:
        return Holder(self._who, why, self._execution, _now())

    def _cause(self) -> Cause:
        return Cause(self._who, "", _now(), self._execution)


def _now() -> float:
    return time.time()
