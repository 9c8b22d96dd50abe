"""Change which version a ring is wanted to run, with the evidence each change needs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, Iterator, Sequence, Union

from cicd import identifiers
from cicd.ci import authors, progress
from cicd.ci.ci_gate import CiGate
from cicd.ci.github_push import UNKNOWN
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.deploy import evidence
from cicd.errors import CicdError, Refused
from cicd.fleet import rollout_log
from cicd.release import approvals, stop, transitions
from cicd.release.guards import refuse_moved
from cicd.release.record import DEPLOYING, EMPTY, RESTORING, STOPPED, Build, Cause, Ring
from cicd.release.ring import Host
from cicd.release.stop import Stop
from cicd.release.transitions import Release
from cicd.release.verification import Proof
from cicd.release.version import package_name
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger
from cicd.repository.published import published
from cicd.sanitize import one_line
from cicd.store.alarm_memory import AlarmMemory
from cicd.store.deploy_lock import Fence, Holder, Lock
from cicd.store.membership import Membership
from cicd.store.store import Change, Store, unfenced

Named = Union[str, Callable[[Release], str]]


class Deploy:
    """The changes of one project's release that actions ask for."""

    def __init__(self, settings: Settings, project: str, who: str = "", execution: str = "") -> None:
        self._settings = settings
        self.project: Project = settings.project(project)
        self._store = Store(settings)
        self._who = one_line(who, 100)
        self._execution = execution or own_execution()

    def hosts(self, ring_name: str, reachable_only: bool = False) -> list[Host]:
        """Return the ring's hosts; refused when there is none or, unless *reachable_only*, one is down."""
        return self._membership().of(ring_name, reachable_only)

    def recorded(self, ring_name: str) -> Ring:
        """Return what the ring is wanted to run now, and how."""
        return self._store.release(self.project.name).ring(ring_name)

    def fit_hosts(self, ring_name: str) -> list[Host]:
        """Return the ring's hosts; refused when a deploy to them may not begin (see Membership.fit)."""
        return self._membership().fit(ring_name)

    def named(self, ring_name: str, names: Sequence[str]) -> list[Host]:
        """Return the ring's hosts called *names*; refused when one of them is not in the ring."""
        hosts = {host.name: host for host in self.hosts(ring_name, reachable_only=True)} if names else {}
        strange = [name for name in names if name not in hosts]
        if strange:
            raise Refused(
                f"{one_line(', '.join(strange), 300)} is no reachable host of "
                f"{self.project.name}'s {ring_name} ring.",
                f"See: st2 run cicd.get_release project={self.project.name}",
            )
        return [hosts[name] for name in names]

    def to_retry(self, ring_name: str, names: Sequence[str]) -> list[Host]:
        """Return the hosts called *names*, or all that are not proven; refused during a deploy."""
        if self.recorded(ring_name).state == DEPLOYING:
            raise Refused(
                f"A deploy of {self.project.name} to {ring_name} is under way.", "Wait for its end."
            )
        return self.named(ring_name, names) if names else self.unproven(ring_name, reachable_only=True)

    def to_update(self, ring_name: str) -> list[Host]:
        """Return the hosts that a deploy walks: all of them, but going back without those that are lost."""
        current = self.recorded(ring_name)
        return self.hosts(ring_name, current.backward) if current.wanted else []

    def unproven(self, ring_name: str, reachable_only: bool) -> list[Host]:
        """Return the ring's hosts that are not proven to run, healthy, what it wants."""
        hosts = self.hosts(ring_name, reachable_only)
        doubts = self._proof(ring_name, hosts).hosts
        return [host for host in hosts if doubts[host.name]]

    def advertise_canary(self, version: str, package: str = "", new_history: bool = False) -> Release:
        """
        Want the published *version* on the canary ring, whose hosts must all be reachable.

        With *new_history* all that was published before comes before it, whatever dpkg says.
        """
        self.fit_hosts("canary")
        name = package or package_name(self.project.name)
        build = self._authored(published(self._settings, self.project, name, version))
        self.refuse_uncleared(version)
        older = self._published_before(build) if new_history else set()

        def decide(known: Release) -> Release:
            if new_history:
                known = transitions.accept_history(known, version, older)
            return transitions.advertise_canary(known, build, _now())

        return self._begin(
            "advertise_canary",
            "canary",
            f"deploy {version}{' as the first of a new history' if new_history else ''}",
            decide,
            float(self._settings.deploy["lock_wait_seconds"]),
        )

    def check_canary(self) -> dict[str, Any]:
        """Return the canary's version and age; refused unless every canary host is healthy with it now."""
        known = self._store.release(self.project.name)
        hosts = self.hosts("canary")
        seen = self._proof("canary", hosts)
        alarms = AlarmMemory(self._store, self.project.name).look(seen.hosts)
        build = transitions.promotable(known, _now(), **self._conditions(), proof=seen, alarms=alarms)
        self.refuse_uncleared(build.version)
        return {
            "version": build.version,
            "commit": build.commit,
            "trace": build.trace,
            "healthy_seconds": round(_now() - known.canary.since, 1),
            "hosts": [host.name for host in hosts],
        }

    def promote(self, refuse: Callable[[Release], None] = lambda known: None) -> Release:
        """
        Want the canary's version on production; all of check_canary holds at this very moment.

        *refuse* may raise Refused about the very record that is changed.
        """
        self.fit_hosts("production")
        seen = self._proof("canary", self.hosts("canary"))
        memory = AlarmMemory(self._store, self.project.name)
        if seen.version:
            self.refuse_uncleared(seen.version)

        def decide(known: Release) -> Release:
            refuse(known)
            alarms = memory.look(seen.hosts)
            return transitions.promote(known, _now(), **self._conditions(), proof=seen, alarms=alarms)

        return self._begin("promote", "production", "promote the canary", decide, also=memory.unchanged)

    def refuse_uncleared(self, version: str) -> None:
        """Raise Refused unless CI passed the commit of *version*, or somebody let it past."""
        CiGate(self._settings).refuse_uncleared(self.project, version)

    def roll_back(self, ring_name: str, alarm: str = "", generation: int = 0) -> Release:
        """
        Want on the ring the good version before the present one; a deploy under way is overtaken.

        An *alarm*, in words, takes back only *generation*, about which it was judged, and only once.
        """
        self.hosts(ring_name, reachable_only=True)

        def decide(known: Release) -> Release:
            if alarm:
                refuse_moved(known, ring_name, generation)
            return transitions.roll_back(known, ring_name, _now(), automatic=bool(alarm))

        why = f"an alarm: {alarm}" if alarm else "roll back"
        return self._begin("roll_back", ring_name, why, decide, wait_seconds=None)

    def break_glass(self, version: str, role: str, why: str, package: str = "") -> Release:
        """Want the published *version* on production past every guard, for who is in *role*; audited."""
        approvals.refuse_role(self._settings.break_glass, role, self._who)
        said = approvals.reason(one_line(why))
        self.hosts("production", reachable_only=True)
        name = package or package_name(self.project.name)
        build = self._authored(published(self._settings, self.project, name, version))
        return self._begin(
            "break_glass",
            "production",
            f"BREAK GLASS as {role}: {said}",
            lambda r: transitions.break_glass(r, build, _now()),
            wait_seconds=None,
        )

    def restore(self, ring_name: str, generation: int) -> Release:
        """
        Undo the deploy of *generation*, which failed, was cancelled or died, or go on going back.

        The ring is stopped, and its lock free, where nothing is left to go back to, after some tries, and
        for a failed deploy to production where the configuration leaves that to a person.
        """
        left = ring_name == "production" and not self._settings.deploy["auto_rollback"]
        walked, why = self.recorded(ring_name), self._why_ended(ring_name, generation)
        changed, session = self._go_on(
            lambda after: "stop" if after.ring(ring_name).state == STOPPED else "restore",
            ring_name,
            generation,
            why.sentence,
            lambda r: transitions.restore(r, ring_name, generation, _now(), why, left),
        )
        if changed.ring(ring_name).state == STOPPED:
            self._lock(ring_name).release(session)
        if walked.wanted and not walked.backward:
            ended = replace(why, step=f"{ring_name}: {why.step or 'deploy'}")
            progress.stopped(self._store, self.project.name, walked.wanted.commit, ended)
        return changed

    def note(self, ring_name: str, generation: int, step: str, error: CicdError) -> Ring:
        """
        Keep that a *step* of the deploy of *generation* failed, and return the ring.

        One that went back already is over by that, and gives the lock up.
        """
        ended = stop.of(step, error, self._execution, _now())
        rollout_log.note(self._store, self.project.name, ring_name, generation, ended)
        current = self.recorded(ring_name)
        if current.generation == generation and current.state in (RESTORING, EMPTY):
            self._lock(ring_name).give_up(generation)
        return current

    def confirm(self, ring_name: str, generation: int) -> tuple[Release, tuple[str, ...]]:
        """
        Record that every host of the ring reports *generation*'s version and is healthy.

        Hosts that its rollout recorded as failed, within the budget, are returned, too: the ring is
        degraded then, and all others are proven.
        """
        self._refuse_overtaken(ring_name, generation)
        current = self.recorded(ring_name)
        hosts = self.to_update(ring_name)
        proven, failed = evidence.of_end(self._settings, self._store, self.project, current, hosts)
        end = transitions.degrade if failed else transitions.confirm
        changed, session = self._go_on(
            "degrade" if failed else "confirm",
            ring_name,
            generation,
            f"failed: {one_line(', '.join(failed), 200)}" if failed else "every host is healthy",
            lambda r: end(r, ring_name, generation, _now(), proven),
        )
        self._lock(ring_name).release(session)
        return changed, failed

    @contextmanager
    def holding(self, ring_name: str, generation: int) -> Iterator[Callable[[], None]]:
        """
        Hold the ring's lock for the deploy of *generation* while the block works on its hosts.

        What the block is given raises Refused once it must stop: the lock was lost, a newer deploy
        or a rollback overtook this one, or its version was vetoed or production pinned to another.
        """
        lock = self._lock(ring_name)
        self._refuse_overtaken(ring_name, generation)
        with lock.renewed(lock.join(generation, self._holder("update hosts"))) as refuse_lost:

            def still_ours() -> None:
                refuse_lost()
                self._refuse_overtaken(ring_name, generation)

            yield still_ours

    def _membership(self) -> Membership:
        return Membership(self._settings, self._store, self.project)

    def _why_ended(self, ring_name: str, generation: int) -> Stop:
        known = self._store.get(rollout_log.key(self.project.name, generation)) or {}
        return rollout_log.why_ended(known, self.recorded(ring_name).since, _now())

    def _conditions(self) -> dict[str, Any]:
        return {"min_bake": self.project.min_bake_seconds, "policy": self.project.approval}

    def _proof(self, ring_name: str, hosts: Sequence[Host]) -> Proof:
        return evidence.of(self._store, self.project, self.recorded(ring_name), hosts)

    def _published_before(self, build: Build) -> set[str]:
        later = Ledger(self._settings).published_after(self.project.name, build.version)
        entries = Repository(self._settings, self.project).entries()
        return {entry["Version"] for entry in entries if entry.get("Package") == build.package} - later

    def _authored(self, build: Build) -> Build:
        """When nobody knows who the authors of the commit are, who deploys it counts as one."""
        run = self._store.run(self.project.name, build.commit) or {}
        known = {*authors.of(self._store, self.project.name, build.commit), str(run.get("user") or "")}
        wrote = known - {"", UNKNOWN} or {self._who}
        return replace(build, authors=tuple(sorted(one_line(name, 100) for name in wrote)))

    def _refuse_overtaken(self, ring_name: str, generation: int) -> None:
        transitions.refuse_overtaken(self._store.release(self.project.name), ring_name, generation)

    def _begin(
        self,
        what: str,
        ring_name: str,
        why: str,
        decide: Change,
        wait_seconds: float | None = 0,
        also: Fence = unfenced,
    ) -> Release:
        """
        Change the ring with its lock taken; the steps that follow find it taken.

        *wait_seconds* None waits for nobody, and takes it over. What would be refused is
        refused before that. *also* adds to the transaction that writes the change.
        """
        decide(self._store.release(self.project.name))
        lock, holder = self._lock(ring_name), self._holder(why)
        session = lock.take_over(holder) if wait_seconds is None else lock.take(holder, wait_seconds)
        try:
            held = lock.fence(session, holder)
            return self._change(what, ring_name, why, decide, lambda r: [*held(r), *also(r)])
        except CicdError:
            lock.release(session)
            raise

    def _go_on(
        self, what: Named, ring_name: str, generation: int, why: str, decide: Change
    ) -> tuple[Release, str]:
        """Change the ring as a later step of the deploy of *generation*; returns its session, too."""
        decide(self._store.release(self.project.name))
        lock, holder = self._lock(ring_name), self._holder(why)
        session = lock.join(generation, holder)
        return self._change(what, ring_name, why, decide, lock.fence(session, holder)), session

    def _lock(self, ring_name: str) -> Lock:
        return Lock(self._settings, self.project.name, identifiers.check("ring", ring_name))

    def _holder(self, why: str) -> Holder:
        return Holder(self._who, why, self._execution, _now())

    def _change(
        self, what: Named, ring_name: str, why: str, decide: Change, fence: Fence = unfenced
    ) -> Release:
        cause = Cause(self._who, why, _now(), self._execution)
        return self._store.change(
            self.project.name, what, identifiers.check("ring", ring_name), cause, decide, fence
        )


def _now() -> float:
    return time.time()
