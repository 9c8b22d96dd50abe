"""Change which version a ring is wanted to run, with the evidence each change needs."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, Iterator, Sequence

from cicd import authors, fields, logbook, people, proof, release, ring
from cicd.alarm import refuse_moved
from cicd.alarm_memory import AlarmMemory
from cicd.ci_gate import CiGate
from cicd.config import Project, Settings
from cicd.consul import Change, Store, unfenced
from cicd.errors import CicdError, Refused
from cicd.event import UNKNOWN
from cicd.ledger import Ledger
from cicd.lock import Fence, Holder, Lock
from cicd.membership import Membership
from cicd.proof import Proof
from cicd.published import published
from cicd.record import DEPLOYING, Build, Cause, Ring
from cicd.release import Release
from cicd.repository import Repository
from cicd.ring import Host
from cicd.text import one_line
from cicd.version import package_name


class Deploy:
    """The changes of one project's release that actions ask for."""

    def __init__(self, settings: Settings, project: str, who: str = "", execution: str = "") -> None:
        self._settings = settings
        self.project: Project = settings.project(project)
        self._store = Store(settings)
        self._who = one_line(who, 100)
        self._execution = execution or os.environ.get("ST2_ACTION_EXECUTION_ID", "")

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
        hosts = self.named(ring_name, names) if names else self.hosts(ring_name, reachable_only=True)
        doubts = self._proof(ring_name, hosts).hosts
        return [host for host in hosts if names or doubts[host.name]]

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
                known = release.accept_history(known, version, older)
            return release.advertise_canary(known, build, _now())

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
        evidence = self._proof("canary", hosts)
        alarms = AlarmMemory(self._store, self.project.name).look(evidence.hosts)
        build = release.promotable(known, _now(), **self._conditions(), proof=evidence, alarms=alarms)
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
        evidence = self._proof("canary", self.hosts("canary"))
        memory = AlarmMemory(self._store, self.project.name)
        if evidence.version:
            self.refuse_uncleared(evidence.version)

        def decide(known: Release) -> Release:
            refuse(known)
            alarms = memory.look(evidence.hosts)
            return release.promote(known, _now(), **self._conditions(), proof=evidence, alarms=alarms)

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
            return release.roll_back(known, ring_name, _now(), automatic=bool(alarm))

        why = f"an alarm: {alarm}" if alarm else "roll back"
        return self._begin("roll_back", ring_name, why, decide, wait_seconds=None)

    def break_glass(self, version: str, role: str, why: str, package: str = "") -> Release:
        """Want the published *version* on production past every guard, for who is in *role*; audited."""
        people.refuse_role(self._settings.break_glass, role, self._who)
        said = people.reason(one_line(why))
        self.hosts("production", reachable_only=True)
        name = package or package_name(self.project.name)
        build = self._authored(published(self._settings, self.project, name, version))
        return self._begin(
            "break_glass",
            "production",
            f"BREAK GLASS as {role}: {said}",
            lambda r: release.break_glass(r, build, _now()),
            wait_seconds=None,
        )

    def restore(self, ring_name: str, generation: int) -> Release:
        """
        Want on the ring again what it last ran well, after the deploy of *generation* failed.

        Production stays as it is, stopped, where the configuration leaves that to a person.
        """
        left = ring_name == "production" and not self._settings.deploy["auto_rollback"]
        undo = release.stop if left else release.restore
        changed, session = self._go_on(
            "stop" if left else "restore",
            ring_name,
            generation,
            f"the deploy of generation {generation} failed",
            lambda r: undo(r, ring_name, generation, _now()),
        )
        if left:
            self._lock(ring_name).release(session)
        return changed

    def confirm(self, ring_name: str, generation: int) -> tuple[Release, tuple[str, ...]]:
        """
        Record that every host of the ring reports *generation*'s version and is healthy.

        Hosts that its rollout recorded as failed, within the budget, are returned, too: the ring is
        degraded then, and all others are proven.
        """
        self._refuse_overtaken(ring_name, generation)
        evidence, failed = self._evidence_of_end(ring_name, generation)
        end = release.degrade if failed else release.confirm
        changed, session = self._go_on(
            "degrade" if failed else "confirm",
            ring_name,
            generation,
            f"failed: {one_line(', '.join(failed), 200)}" if failed else "every host is healthy",
            lambda r: end(r, ring_name, generation, _now(), evidence),
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

    def _evidence_of_end(self, ring_name: str, generation: int) -> tuple[Proof | None, tuple[str, ...]]:
        current = self.recorded(ring_name)
        if not current.wanted:
            return None, ()
        found = self._proof(ring_name, self.hosts(ring_name, reachable_only=current.backward))
        if current.backward:
            return found, ()
        budget = ring.failure_budget(self._settings.deploy["failure_budget"], len(found.hosts))
        excused = proof.excused(found, logbook.failed(self._store, self.project.name, generation), budget)
        return proof.without(found, excused), excused

    def _conditions(self) -> dict[str, Any]:
        return {"min_bake": self.project.min_bake_seconds, "policy": self.project.approval}

    def _proof(self, ring_name: str, hosts: Sequence[Host]) -> Proof:
        """What each of *hosts* reported last, and whether Consul's checks pass on it."""
        wanted = self.recorded(ring_name).wanted
        found = Proof(wanted.version if wanted else "")
        failing = ring.unhealthy(self._store.health(self.project), [host.name for host in hosts])
        reports = self._store.reports(self.project.name)
        for host in hosts:
            report, trouble = reports.get(host.name), failing.get(host.name, "")
            found = proof.record_host(found, host.name, report, trouble, _now())
        return found

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
        release.refuse_overtaken(self._store.release(self.project.name), ring_name, generation)

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
        self, what: str, ring_name: str, generation: int, why: str, decide: Change
    ) -> tuple[Release, str]:
        """Change the ring as a later step of the deploy of *generation*; returns its session, too."""
        decide(self._store.release(self.project.name))
        lock, holder = self._lock(ring_name), self._holder(why)
        session = lock.join(generation, holder)
        return self._change(what, ring_name, why, decide, lock.fence(session, holder)), session

    def _lock(self, ring_name: str) -> Lock:
        return Lock(self._settings, self.project.name, fields.check("ring", ring_name))

    def _holder(self, why: str) -> Holder:
        return Holder(self._who, why, self._execution, _now())

    def _change(
        self, what: str, ring_name: str, why: str, decide: Change, fence: Fence = unfenced
    ) -> Release:
        cause = Cause(self._who, why, _now(), self._execution)
        return self._store.change(
            self.project.name, what, fields.check("ring", ring_name), cause, decide, fence
        )


def _now() -> float:
    return time.time()
