"""Change which version a ring is wanted to run, with the evidence each change needs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable

from cicd import fields, holds, people, proof, release, ring
from cicd.config import Project, Settings
from cicd.consul import Change, Store
from cicd.holds import Hold, Holds
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
        self._execution = execution

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
        return self._change(
            "advertise_canary",
            "canary",
            f"deploy {version}",
            lambda r: release.advertise_canary(r, build, _now()),
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

        return self._change("promote", "production", "promote the canary", decide)

    def roll_back(self, ring_name: str) -> Release:
        """Want on the ring the good version before the present one."""
        self.hosts(ring_name, reachable_only=True)
        return self._change(
            "roll_back", ring_name, "roll back", lambda r: release.roll_back(r, ring_name, _now())
        )

    def restore(self, ring_name: str, generation: int) -> Release:
        """Want on the ring again what it last ran well, after the deploy of *generation* failed."""
        return self._change(
            "restore",
            ring_name,
            f"the deploy of generation {generation} failed",
            lambda r: release.restore(r, ring_name, generation, _now()),
        )

    def confirm(self, ring_name: str, generation: int, reachable_only: bool = False) -> Release:
        """Record that every host of the ring reports *generation*'s version and is healthy."""
        wanted = self._store.release(self.project.name).ring(ring_name).wanted
        evidence = self._proof(ring_name, self.hosts(ring_name, reachable_only)) if wanted else None
        return self._change(
            "confirm",
            ring_name,
            "every host is healthy",
            lambda r: release.confirm(r, ring_name, generation, _now(), evidence),
        )

    def hold(self, kind: str, why: str, version: str = "") -> Release:
        """Put a `lock`, `freeze` or `pin` on the project, or a `veto` on *version*."""
        said = people.reason(one_line(why))
        put = Hold(self._who, said, _now(), version and fields.check("version", version))
        if kind == "veto":
            return self._hold(kind, put.why, lambda current: holds.veto(current, put))
        return self._hold(kind, put.why, lambda current: holds.put(current, self.project.name, kind, put))

    def end_hold(self, kind: str) -> Release:
        """Take the `lock`, `freeze` or `pin` off the project."""
        return self._hold(f"end_{kind}", "it is over", lambda c: holds.end(c, self.project.name, kind))

    def _hold(self, what: str, why: str, change: Callable[[Holds], Holds]) -> Release:
        return self._change(what, "production", why, lambda r: release.hold(r, change(r.holds)))

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

    def _change(self, what: str, ring_name: str, why: str, decide: Change) -> Release:
        cause = Cause(self._who, why, _now(), self._execution)
        return self._store.change(self.project.name, what, fields.check("ring", ring_name), cause, decide)


def _now() -> float:
    return time.time()
