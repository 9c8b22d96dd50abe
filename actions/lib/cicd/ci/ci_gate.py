"""The gate between CI and a package: only what CI passed is built, or what somebody let past by name."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from cicd import identifiers
from cicd.ci import run
from cicd.ci.run import FAILED, PASSED, SUPERSEDED, Run, StoredRun
from cicd.clients.consul import Items, document, set_
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.package.clearance import Clearance, StoredClearance
from cicd.release import approvals
from cicd.release.record import Cause
from cicd.repository.package_records import PACKAGES
from cicd.sanitize import one_line
from cicd.store.store import Store


class CiGate(Store):
    """The runs and the exceptions of all projects, as Consul has them now."""

    def clearance(self, project: Project, commit: str) -> Clearance:
        """Return why *commit* of *project* may be packaged; Refused, with what to do, when it may not."""
        return clearance(self.read(places(project.name, commit)), project.name, commit)


def places(project: str, commit: str) -> list[str]:
    """Return what must be read to say whether *commit* may be packaged."""
    return [run.key(project, commit), _key(project, commit)]


def version_places(project: str, version: str, commit: str) -> list[str]:
    """Return what must be read to say whether *version*, built of *commit*, was cleared."""
    return [*PACKAGES.places(project, version), *places(project, commit)]


def clearance(items: Items, project: str, commit: str) -> Clearance:
    """Return why *commit* may be packaged, as *items* say; Refused, with what to do, when it may not."""
    key = run.key(project, identifiers.check("commit", commit))
    known = run.parse(key, document(items, key, StoredRun)) if key in items else None
    if known and known.stage == PASSED:
        return Clearance(known.build)
    granted = document(items, _key(project, commit), StoredClearance)
    if granted:
        return Clearance(who=granted["who"], role=granted["role"], why=granted["why"], when=granted["when"])
    raise _not_passed(project, commit, known)


def refuse_uncleared(items: Items, project: str, version: str) -> None:
    """Raise Refused unless the published *version* is of a commit that was cleared, as *items* say."""
    known = PACKAGES.find(items, project, version)
    if known is None:
        raise Refused(
            f"{project} {version} was not published by this pipeline: nobody knows whether CI passed it.",
            f"Build it here: st2 run cicd.git_push project={project} commit=<its commit>",
        )
    if not known.get("ci"):  # from before records said it
        clearance(items, project, str(known.get("commit", "")))


def let_past(settings: Settings, project: Project, commit: str, role: str, why: str, who: str) -> Clearance:
    """Let *commit* be packaged although CI did not pass it, for *who* in *role*; in the project's history."""
    approvals.refuse_role(settings.break_glass, role, who)
    said, trace = approvals.reason(one_line(why)), identifiers.trace_tag(project.repository, commit)
    granted = Clearance(who=one_line(who, 100), role=role, why=said, when=time.time())
    note = f"PAST CI as {role}: {commit[:7]}: {said}"
    execution = own_execution()
    cause = Cause(granted.who, note, granted.when, execution, trace)
    operation = set_(_key(project.name, commit), json.dumps(granted.let_past(), sort_keys=True))
    Store(settings).change(
        project.name,
        "publish_past_ci",
        project.lifecycle.first,
        cause,
        lambda known: replace(known, generation=known.generation + 1),
        lambda _: [operation],
    )
    return granted


def _not_passed(project: str, commit: str, known: Run | None) -> Refused:
    short = commit[:7]
    again = f"st2 run cicd.git_push project={project} commit={commit}"
    if known is None:
        return Refused(f"No run of {project} knows {short}, so CI did not pass it.", f"Run CI on it: {again}")
    if known.stage == FAILED:
        how = f" ({one_line(known.status, 40)})" if known.status else ""
        return Refused(
            f"CI did not pass {project} at {short}{how}; nothing is packaged.",
            f"Push a corrected commit. If CI itself was at fault: {again}",
        )
    if known.stage == SUPERSEDED:
        by = f" by {known.by[:7]}" if known.by else ""
        return Refused(
            f"The run of {project} at {short} was superseded{by}; it is not packaged.",
            f"Publish the newer commit: st2 run cicd.publish_apt_package project={project} "
            f"commit={known.by or '<the newer commit>'}",
        )
    return Refused(
        f"CI of {project} at {short} has not ended (it is {known.stage}); nothing is packaged yet.",
        f"Wait: once it passes it is packaged by itself. See: st2 run cicd.list_events project={project}",
    )


def _key(project: str, commit: str) -> str:
    return f"cicd/{project}/past_ci/{commit}"
