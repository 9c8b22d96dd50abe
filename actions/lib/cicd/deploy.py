"""Change which version a ring is wanted to run, with the evidence each change needs."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, Iterator

from cicd import fields, people, proof, release, ring
from cicd.config import Project, Settings
from cicd.consul import Change, Store, unfenced
from cicd.errors import CicdError
from cicd.lock import Fence, Holder, Lock
from cicd.proof import Proof
from cicd.record import Build, Cause
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
        entries = self._store.health(self.project)
        canary_tag = self._settings.canary_tag(self.project)
        name = fields.check("ring", ring_name)
        return ring.members(entries, self.project.name, name, canary_tag, reachable_only)

    def advertise_canary(self, version: str, package: str = "") -> Release:
        """Want the published *version* on the canary ring, whose hosts must all be reachable."""
        self.hosts("canary")
        name = package or package_name(self.project.name)
        build = self._authored(Repository(self._settings).build(name, fields.check("version", version)))
        return self._begin(
            "advertise_canary",
            "canary",
            f"deploy {version}",
            lambda r: release.advertise_canary(r, build, _now()),
            float(self._settings.deploy["lock_wait_seconds"]),
        )

    def check_canary(self) -> dict[str, Any]:
        """Return the canary's version and age; refused unless every canary host is healthy with it now."""
        known = self._store.release(self.project.name)
        hosts = self.hosts("canary")
        build = self._promotable(known, self._proof("canary", hosts))
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
        self.hosts("production")
        evidence = self._proof("canary", self.hosts("canary"))
        project = self.project

        def decide(known: Release) -> Release:
            refuse(known)
            bake = project.min_bake_seconds
            return release.promote(known, _now(), bake, policy=project.approval, proof=evidence)

        return self._begin("promote", "production", "promote the canary", decide)

    def roll_back(self, ring_name: str, automatic: bool = False) -> Release:
        """Want on the ring the good version before the present one; a deploy under way is overtaken."""
        self.hosts(ring_name, reachable_only=True)
        return self._begin(
            "roll_back",
            ring_name,
            "an alarm" if automatic else "roll back",
            lambda r: release.roll_back(r, ring_name, _now(), automatic),
            wait_seconds=None,
        )

    def break_glass(self, version: str, role: str, why: str, package: str = "") -> Release:
        """Want the published *version* on production past every guard, for who is in *role*; audited."""
        people.refuse_role(self._settings.break_glass, role, self._who)
        said = people.reason(one_line(why))
        self.hosts("production", reachable_only=True)
        name = package or package_name(self.project.name)
        build = self._authored(Repository(self._settings).build(name, fields.check("version", version)))
        return self._begin(
            "break_glass",
            "production",
            f"BREAK GLASS as {role}: {said}",
            lambda r: release.break_glass(r, build, _now()),
            wait_seconds=None,
        )

    def restore(self, ring_name: str, generation: int) -> Release:
        """Want on the ring again what it last ran well, after the deploy of *generation* failed."""
        return self._go_on(
            "restore",
            ring_name,
            generation,
            f"the deploy of generation {generation} failed",
            lambda r: release.restore(r, ring_name, generation, _now()),
        )[0]

    def confirm(self, ring_name: str, generation: int, reachable_only: bool = False) -> Release:
        """Record that every host of the ring reports *generation*'s version and is healthy."""
        wanted = self._store.release(self.project.name).ring(ring_name).wanted
        evidence = self._proof(ring_name, self.hosts(ring_name, reachable_only)) if wanted else None
        changed, session = self._go_on(
            "confirm",
            ring_name,
            generation,
            "every host is healthy",
            lambda r: release.confirm(r, ring_name, generation, _now(), evidence),
        )
        self._lock(ring_name).release(session)
        return changed

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

    def _promotable(self, known: Release, evidence: Proof) -> Build:
        project = self.project
        return release.promotable(
            known, _now(), project.min_bake_seconds, policy=project.approval, proof=evidence
        )

    def _proof(self, ring_name: str, hosts: list[Host]) -> Proof:
        """What each of *hosts* reported last, and whether Consul's checks pass on it."""
        wanted = self._store.release(self.project.name).ring(ring_name).wanted
        found = Proof(wanted.version if wanted else "")
        failing = ring.unhealthy(self._store.health(self.project), [host.name for host in hosts])
        for host in hosts:
            report = self._store.report(self.project.name, host.name)
            found = proof.record_host(found, host.name, report, failing.get(host.name, ""), _now())
        return found

    def _authored(self, build: Build) -> Build:
        """Who pushed the commit counts as its author; when nobody knows, who deploys it does."""
        run = self._store.run(self.project.name, build.commit) or {}
        return replace(build, author=one_line(str(run.get("user") or self._who), 100))

    def _refuse_overtaken(self, ring_name: str, generation: int) -> None:
        release.refuse_overtaken(self._store.release(self.project.name), ring_name, generation)

    def _begin(
        self, what: str, ring_name: str, why: str, decide: Change, wait_seconds: float | None = 0
    ) -> Release:
        """
        Change the ring with its lock taken; the steps that follow find it taken.

        *wait_seconds* None waits for nobody, and takes it over. What would be refused is
        refused before that.
        """
        decide(self._store.release(self.project.name))
        lock, holder = self._lock(ring_name), self._holder(why)
        session = lock.take_over(holder) if wait_seconds is None else lock.take(holder, wait_seconds)
        try:
            return self._change(what, ring_name, why, decide, lock.fence(session, holder))
        except CicdError:
            lock.release(session)
            raise

    def _go_on(
        self, what: str, ring_name: str, generation: int, why: str, decide: Change
    ) -> tuple[Release, str]:
        """Change the ring as a later step of the deploy of *generation*; returns its session, too."""
        lock, holder = self._lock(ring_name), self._holder(why)
        self._refuse_overtaken(ring_name, generation)
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
