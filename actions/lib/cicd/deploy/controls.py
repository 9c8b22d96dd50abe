"""What people put on a project, or on all of them: holds, reviews, and stolen locks."""

from __future__ import annotations

import time
from typing import Callable

from cicd import identifiers
from cicd.ci import authors
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.errors import InputError, Refused
from cicd.release import approvals, holds, transitions, waiting
from cicd.release.approvals import NO_POLICY, Policy, Review
from cicd.release.holds import Hold, Holds
from cicd.release.record import DEPLOYING, EVERYTHING, RESTORING, Cause, Release
from cicd.release.version import package_name
from cicd.repository.package_records import Ledger
from cicd.repository.published import published
from cicd.sanitize import one_line
from cicd.store.change import Decide, unfenced
from cicd.store.deploy_lock import Fence, key
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store


class Controls:
    """The changes that people ask for; *project* may be `everything` for holds."""

    def __init__(self, settings: Settings, project: str, who: str = "", execution: str = "") -> None:
        self._settings = settings
        self.project = Project(EVERYTHING, "") if project == EVERYTHING else settings.project(project)
        self._store = Store(settings)
        self._who = one_line(who, 100)
        self._execution = execution or own_execution()

    def hold(self, kind: str, why: str, version: str = "") -> Release:
        """Put a `lock`, `freeze` or `pin` on the project, or a `veto` on *version*."""
        if self.project.name == EVERYTHING and version:
            raise InputError("A version belongs to one project.", f"Name the project that the {kind} is for.")
        put = self._put(why, version and self._published(version))
        said, name = f"{version}: {put.why}" if version else put.why, self.project.name
        if kind == "veto":
            return self._hold(kind, said, lambda current: holds.veto(current, put))
        return self._hold(kind, said, lambda current: holds.put(current, name, kind, put))

    def lift_veto(self, version: str, why: str) -> Release:
        """Take the veto off *version*, for the reason *why*."""
        said, name = (
            f"{identifiers.check('version', version)}: {approvals.reason(one_line(why))}",
            self.project.name,
        )
        return self._hold("lift_veto", said, lambda current: holds.lift(current, name, version))

    def end_hold(self, kind: str) -> Release:
        """Take the `lock`, `freeze` or `pin` off the project."""
        name, who = self.project.name, self._who
        return self._hold(f"end_{kind}", "it is over", lambda current: holds.end(current, name, kind, who))

    def steal(self, why: str) -> Release:
        """
        Take over what locks the project: a person's lock, or else the deploy that is under way.

        Either way the lock is ours then, and `unlock` ends it; the deploy's next step is refused.
        """
        taken, name = self._put(why), self.project.name
        seen = self._store.look(Look(self.project, hosts=False))
        present = seen.release.holds.lock
        ring = "" if present else _busy_ring(seen)
        if not present and not ring:
            raise Refused(
                f"Nothing locks {name}.", f"Lock it: st2 run cicd.lock_deploys project={name} reason=…"
            )
        if not ring:
            whose = f"from {present.who}: {taken.why}" if present else taken.why
            return self._hold("steal_lock", whose, lambda current: holds.steal(current, taken))
        return self._change(
            "steal_lock",
            ring,
            f"from the deploy to {ring}: {taken.why}",
            lambda r: transitions.steal(r, holds.steal(r.holds, taken), ring, taken.since),
            lambda _: [{"Verb": "delete", "Key": key(name, ring)}],
        )

    def approve(self, version: str, why: str) -> Release:
        """Approve the canary *version* as the project's policy allows."""
        known = self._store.release(self.project.name)
        build = next((one for one in waiting.awaiting(known) if one.version == version), None)
        wrote = (*build.authors, *authors.of(self._store, self.project.name, build.commit)) if build else ()
        approvals.refuse_approver(self._policy(known, version), self.project.name, wrote, self._who)
        return self._review("approve", version, Review(True, one_line(why), _now()))

    def reject(self, version: str, why: str) -> Release:
        """Reject the canary *version*, with a reason: it is not promoted then."""
        return self._review("reject", version, Review(False, approvals.reason(one_line(why)), _now()))

    def exclude(self, host: str, why: str) -> Release:
        """Leave *host* out of its ring, for the reason *why*; refused when Consul knows no such host."""
        seen = self._store.look(Look(self.project, reports=False))
        known = sorted(found.name for found in seen.consul_hosts)
        if host not in known:
            raise Refused(
                f"{self.project.name} has no host {host}.", f"It has {one_line(', '.join(known), 300)}."
            )
        put = self._put(why)
        return self._hold("exclude_host", f"{host}: {put.why}", lambda h: holds.exclude(h, host, put))

    def include(self, host: str) -> Release:
        """Take *host* back into its ring."""
        return self._hold("include_host", host, lambda h: holds.include(h, self.project.name, host))

    def refresh(self) -> list[str]:
        """Write again the documents that a freeze window or a hold on everything changed; return whose."""
        return [name for name in self._settings.projects if self._store.refresh(name)]

    def _policy(self, known: Release, version: str) -> Policy:
        """Return who must approve *version* for the next ring that asks for it."""
        for ring in waiting.next_rings(known, version):
            if self.project.approval_of(ring).count:
                return self.project.approval_of(ring)
        return NO_POLICY

    def _review(self, what: str, version: str, given: Review) -> Release:
        wanted = identifiers.check("version", version)
        return self._change(
            what,
            self.project.lifecycle.first,
            f"{wanted}: {given.why}" if given.why else wanted,
            lambda r: transitions.review(r, wanted, self._who or "nobody", given),
        )

    def _hold(self, what: str, why: str, change: Callable[[Holds], Holds]) -> Release:
        changed = self._change(
            what, self.project.lifecycle.last, why, lambda r: transitions.hold(r, change(r.holds))
        )
        if self.project.name == EVERYTHING:
            self.refresh()
        return changed

    def _put(self, why: str, version: str = "") -> Hold:
        return Hold(self._who, approvals.reason(one_line(why)), _now(), version)

    def _published(self, version: str) -> str:
        """A pin or veto of a version that does not exist holds nothing, or everything: refuse a slip."""
        project, known = self.project, self._store.release(self.project.name)
        if version in {build.version for build in known.builds}:
            return version
        if not Ledger(self._settings).find(project.name, identifiers.check("version", version)):
            published(self._settings, project, package_name(project.name), version)
        return version

    def _change(self, what: str, ring: str, why: str, decide: Decide, fence: Fence = unfenced) -> Release:
        cause = Cause(self._who, why, _now(), self._execution)
        return self._store.change(self.project.name, what, ring, cause, decide, fence)


def _busy_ring(seen: Snapshot) -> str:
    for ring in reversed(seen.release.lifecycle.names):
        if seen.held(ring).holder or seen.release.ring(ring).state in (DEPLOYING, RESTORING):
            return ring
    return ""


def _now() -> float:
    return time.time()
