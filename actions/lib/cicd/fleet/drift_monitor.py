"""What hosts report, watched over time: which of them drift, and which fell silent."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Mapping, Tuple, TypedDict, cast

from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import ConsulError, HostError, Refused
from cicd.fleet import drift, registrations
from cicd.fleet.drift import Drift, Limits
from cicd.release import host_report
from cicd.release.host import Host
from cicd.release.host_report import SILENT, HostReport
from cicd.sanitize import neutral_data, one_line
from cicd.store import copies
from cicd.store.snapshot import Look
from cicd.store.store import Store

CHECK = "check"
Signs = Mapping[Tuple[str, str], bool]
CONVERGE = ("sudo", "-n", "/usr/bin/cicd-converge")


class Drifted(TypedDict):
    """What the trigger cicd.host_drifted tells of a host."""

    project: str
    host: str
    ring: str
    kind: str
    repairable: bool
    wanted: str
    installed: str
    message: str


class Watch:
    """Remembers when hosts last gave a sign of life and registrations stopped fitting, by its own clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._heard: dict[tuple[str, str], tuple[HostReport, float]] = {}
        self._strange: dict[tuple[str, str], tuple[str, float]] = {}

    def is_sure(self, settings: Settings) -> bool:
        """Whether it has watched for long enough to say that what it does not find is over."""
        longest = max(settings.drift.silent_seconds, settings.drift.follow_seconds)
        return time.monotonic() - self._began > longest

    def look(self, settings: Settings, store: Store) -> list[Drift]:
        """Return the drift of every project's hosts, as it is now."""
        limits = Limits(silent=settings.drift.silent_seconds, follow=settings.drift.follow_seconds)
        found: list[Drift] = []
        signs = _signs(settings, store)
        for project in settings.projects.values():
            seen = store.look(Look(project))
            hosts, reports, rings = seen.consul_hosts, seen.reports, seen.rings
            foreign = self._lasting(project.name, registrations.foreign(hosts, reports), limits.follow)
            up = {host.name for host in hosts if host.is_reached}
            quiet = {
                name: self._quiet(project.name, name, reports.get(name, SILENT), name in up, signs)
                for name in rings
            }
            found += drift.find(seen.release, rings, reports, quiet, time.time(), limits, foreign)
            late = self._lasting(f"copies of {project.name}", copies.late(seen), limits.follow)
            found += drift.of_copies(seen.release, late)
        return found

    def _quiet(self, project: str, host: str, report: HostReport, is_up: bool, signs: Signs) -> float:
        """
        Return for how many seconds the host gave no sign of life.

        A new report is one. A host that reports only what changed renews a check instead: Consul itself
        says when it did not, and whether the host's agent lives.
        """
        now, key = time.monotonic(), (project, host)
        sign = signs.get((host, project)) if report.alive == CHECK and is_up else None
        if sign is False:
            return float("inf")
        if sign or key not in self._heard or self._heard[key][0] != report:
            self._heard[key] = (report, now)
        return now - self._heard[key][1]

    def _lasting(self, what: str, strange: Mapping[str, str], seconds: float) -> dict[str, str]:
        """Return what has been *strange* for *seconds*: a report or a copy follows a change a bit later."""
        now, before = time.monotonic(), self._strange
        kept = {key: seen for key, seen in before.items() if key[0] != what}
        for name, said in strange.items():
            known = before.get((what, name))
            kept[what, name] = known if known and known[0] == said else (said, now)
        self._strange = kept
        return {name: said for name, said in strange.items() if now - kept[what, name][1] >= seconds}


def payload(found: Drift) -> Drifted:
    """Return *found* as the trigger cicd.host_drifted tells it."""
    return cast(Drifted, neutral_data({**asdict(found), "repairable": found.repairable}))


def converge(settings: Settings, project: Project, name: str) -> HostReport:
    """
    Let host *name* converge as its own timer would, and return its report.

    It obeys holds and waits for a deploy that walks its ring. Refused when the host does not
    offer *project* in Consul; HostError when it cannot be reached or fails.
    """
    host = _host(Store(settings), project, name)
    with Shell(settings, host) as shell:
        outcome = shell.run([*CONVERGE, project.name], settings.deploy.host_timeout)
    try:
        report = host_report.printed(outcome.stdout)
    except ValueError:
        said = one_line(outcome.stderr or outcome.stdout)
        raise HostError(f"cicd-converge on {name} gave no report: {said}", "Is it installed?") from None
    if report.failed:
        why, details = one_line(report.message, 500), host_report.as_json(report)
        raise HostError(f"{name} did not converge: {why}", "Correct that on the host.", report=details)
    return report


def _signs(settings: Settings, store: Store) -> Signs:
    """Return the signs of life in every datacentre that answers."""
    found = dict(store.signs())
    for name in sorted({name for one in settings.projects.values() for name in one.lifecycle.datacenters}):
        try:
            found.update(store.elsewhere.catalog(name).signs())
        except ConsulError:
            continue  # its hosts are not known then, and its rings are late
    return found


def _host(store: Store, project: Project, name: str) -> Host:
    for found in store.look(Look(project, reports=False)).consul_hosts:
        if found.name == name:
            return found.host()
    raise Refused(
        f"{name} does not offer {project.name} in Consul.",
        f"See its hosts: st2 run cicd.get_release project={project.name}",
    )
