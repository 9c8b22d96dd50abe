"""What is deployed, project by project and host by host, as Consul knows it."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Dict, Iterator, List, Mapping, Sequence, TypedDict, cast

from cicd.ci import progress, run
from cicd.ci.run import Run, StoredRun
from cicd.config import Project, Settings
from cicd.deploy import executions, requirements, share_commands
from cicd.release import analysis, fate, shares, traffic
from cicd.release.firing import Alarms
from cicd.release.host import ConsulHost
from cicd.release.host_report import SILENT, HostReport
from cicd.release.lifecycle import CANARY, PRODUCTION
from cicd.release.record import Release, Ring
from cicd.release.ring import unhealthy
from cicd.release.rollout_record import rollout_keys
from cicd.release.stop import to_json
from cicd.release.stored import HistoryEntry, StoredAnalysis, StoredHolds, StoredStop
from cicd.reports import doer, status_text
from cicd.reports.status_text import Gate, HostStatus
from cicd.sanitize import moment, one_line
from cicd.store import copies
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store, change_places, change_to, newest_first

HISTORY_ENTRIES = 10
NOTHING: Mapping[str, Run] = {}
LISTED_HOSTS = 40


class RingStatus(TypedDict):
    """What a ring is wanted to run, see record.Ring; what it does not have is empty."""

    state: str
    version: str
    commit: str
    trace: str
    good: str
    earlier: str
    generation: int
    since: float
    stop: StoredStop | None
    analysis: StoredAnalysis | None


class ProjectStatus(TypedDict):
    """
    What is deployed of one project; `canary` and `production` are empty where it has no such ring.

    `notes` are what is to be known beside that, `next` is what a person can do now.
    """

    generation: int
    rings: Dict[str, RingStatus]
    canary: RingStatus
    production: RingStatus
    hosts: List[HostStatus]
    holds: StoredHolds
    history: List[HistoryEntry]
    notes: List[str]
    next: str
    message: str


class Everything(TypedDict):
    """The version of each ring, by project."""

    projects: Dict[str, Dict[str, str]]
    message: str


def project_status(settings: Settings, project: str) -> ProjectStatus:
    """Return the rings, the hosts and the last changes of *project*, and a `message` to read."""
    store, found = Store(settings), settings.project(project)
    seen = look(store, found)
    return status_of(seen, executions.sentences(settings, store, found.name))


def look(store: Store, project: Project) -> Snapshot:
    """Return *project* with its runs and its newest changes."""
    return store.look(Look(project, keys=[run.key(project.name, "")], more=_keys_of_changes))


def status_of(seen: Snapshot, stuck: Sequence[str] = ()) -> ProjectStatus:
    """Return what is deployed of the project that was *seen*; *stuck* names executions that died."""
    known, found, alarms = seen.release, hosts(seen), seen.alarms(())
    gates, more = _gates(seen, alarms), [*_share(seen), *stuck, *_runs(seen), *_late(seen)]
    notes = status_text.notes(known, found, seen.now, gates, alarms, more)
    following = status_text.next_step(known, seen.now, seen.project.min_bake_seconds, gates, _silent(seen))
    return {
        "generation": known.generation,
        "rings": {name: _ring(known.ring(name)) for name in known.lifecycle.names},
        "canary": _ring(known.ring(CANARY)),
        "production": _ring(known.ring(PRODUCTION)),
        "hosts": _listed(found),
        "holds": cast(StoredHolds, asdict(known.holds)),
        "history": _history(seen),
        "notes": [*status_text.alarming(known), *notes],
        "next": following,
        "message": status_text.message(known, found, seen.now, notes, following),
    }


def runs(seen: Snapshot) -> dict[str, Run]:
    """Return the runs of the project that was *seen*, by commit."""
    name = seen.project.name
    below = seen.below(run.key(name, ""), StoredRun)
    return {commit: run.parse(run.key(name, commit), document) for commit, document in below.items()}


def everything(settings: Settings) -> Everything:
    """Return the versions of every project, and a `message` with one line for each."""
    store, lines = Store(settings), []
    projects: Dict[str, Dict[str, str]] = {}
    for found in settings.projects.values():
        seen = store.look(Look(found))
        known = seen.release
        projects[found.name] = {name: _ring(known.ring(name))["version"] for name in known.lifecycle.names}
        lines.append(status_text.one_line(known, hosts(seen), seen.now))
    lines += [f"{name}: {one_line(error.message)}" for name, error in sorted(settings.unusable.items())]
    lines += executions.sentences(settings, store)
    return {"projects": projects, "message": "\n".join(lines)}


def history(entries: Sequence[HistoryEntry], project: str = "", runs: Mapping[str, Run] = NOTHING) -> str:
    """
    Return history *entries* as lines to read, newest first: when, who, what, from what to what, why.

    Among them are those of *project*'s *runs* that stopped before they came to a ring, or whose package
    another build host did not make alike.
    """
    oldest = min((float(entry["when"]) for entry in entries), default=0.0)
    lines = [(float(entry["when"]), _line(entry)) for entry in entries]
    lines += [(when, line) for when, line in _stops(project, runs) if when >= oldest]
    return "\n".join(line for _, line in sorted(lines, key=lambda one: -one[0])) or "nothing was changed yet"


def _stops(project: str, runs: Mapping[str, Run]) -> Iterator[tuple[float, str]]:
    for commit, known in runs.items():
        if known.doubt:
            yield known.step_at, f"{moment(known.step_at)}  the package of {commit[:7]} is {known.doubt}"
        ended = progress.of(known, time.time())
        if ended and not progress.is_of_ring(ended):
            said = progress.told(project, commit, ended)
            yield (
                ended.when,
                f"{moment(ended.when)}  {known.user or 'unknown'}: run of {commit[:7]} stopped {said}",
            )


def _keys_of_changes(known: Release) -> list[str]:
    """Return where the newest changes are in the history, the rollouts, and what load balancers report."""
    reports = [traffic.REPORTS] if known.canary.traffic else []
    return [*rollout_keys(known), *change_places(known.project, _newest(known)), *reports]


def _share(seen: Snapshot) -> list[str]:
    """Say which share of the requests the canary gets, where somebody wanted one."""
    said = shares.note(seen.release, share_commands.late(seen))
    return [said] if said else []


def _history(seen: Snapshot) -> list[HistoryEntry]:
    found = (change_to(seen.items, seen.project.name, one) for one in _newest(seen.release))
    return doer.named((entry for entry in found if entry), runs(seen), seen.settings.system_user)


def _newest(known: Release) -> range:
    return newest_first(known.generation, HISTORY_ENTRIES)


def _gates(seen: Snapshot, alarms: Alarms) -> dict[str, Gate]:
    """Return what stands before each ring but the first."""
    rings, excluded = seen.rings, seen.release.holds.excluded
    return {
        stage.name: Gate(
            seen.project.approval_of(stage.name),
            replace(
                alarms,
                canaries={host for host in rings if rings[host] in stage.after and host not in excluded},
            ),
            requirements.unmet(seen, stage.name),
            {name: seen.project.analysis_of(name) for name in stage.after},
        )
        for stage in seen.project.lifecycle.stages
        if stage.after
    }


def _runs(seen: Snapshot) -> list[str]:
    return progress.sentences(seen.project.name, runs(seen), seen.now)


def _late(seen: Snapshot) -> list[str]:
    return [f"{ring}: {why}" for ring, why in copies.late(seen).items()]


def _line(entry: HistoryEntry) -> str:
    when, ended = moment(float(entry["when"])), entry.get("stop")
    old, new = (entry[end] or "nothing" for end in ("from", "to"))
    moved = f"{old} -> {new}" if old != new else f"at {new}"
    what = str(entry["what"]).replace("_", " ")
    where = f", execution {ended['execution']}" if ended and ended["execution"] else ""
    return f"{when}  {entry['who'] or 'unknown'}: {what}, {entry['ring']} {moved} ({entry['why']}){where}"


def _silent(seen: Snapshot) -> dict[str, str]:
    """Say of each ring whose deploy gives no sign of life what becomes of it."""
    said, lost_after = {}, seen.settings.deploy.lost_after
    for name in seen.release.lifecycle.names:
        ring = seen.release.ring(name)
        said[name] = fate.silence(ring, seen.rollout(ring.generation), seen.now, lost_after)
    return {name: f"{name}: {text}" for name, text in said.items() if text}


def _ring(ring: Ring) -> RingStatus:
    return {
        "state": ring.state,
        "version": ring.wanted.version if ring.wanted else "",
        "commit": ring.wanted.commit if ring.wanted else "",
        "trace": ring.wanted.trace if ring.wanted else "",
        "good": ring.last_good.version if ring.last_good else "",
        "earlier": ring.previous_good.version if ring.previous_good else "",
        "generation": ring.generation,
        "since": ring.since,
        "stop": to_json(ring.stop),
        "analysis": analysis.to_json(ring.judged) if ring.judged else None,
    }


def hosts(seen: Snapshot) -> list[HostStatus]:
    """Return every host of the project that was *seen*."""
    found = sorted(seen.consul_hosts, key=lambda one: one.name)
    rings, reports = seen.rings, seen.reports
    reasons = unhealthy(found, rings)
    return [_host(rings, reports.get(one.name, SILENT), one, reasons) for one in found]


def _host(
    rings: Mapping[str, str], report: HostReport, found: ConsulHost, reasons: Mapping[str, str]
) -> HostStatus:
    name = found.name
    return {
        "name": name,
        "ring": rings[name],
        "address": found.address,
        "version": report.installed,
        "healthy": name not in reasons,
        "reason": reasons.get(name) or _failure(report),
    }


def _failure(report: HostReport) -> str:
    return one_line(report.message, 200) if report.failed else ""


def _listed(hosts: Sequence[HostStatus]) -> list[HostStatus]:
    return sorted(hosts, key=lambda host: (host["healthy"], host["ring"], host["name"]))[:LISTED_HOSTS]
