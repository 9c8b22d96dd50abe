"""Take over a project that the 2015 pack deployed: the record is built from what its hosts really run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Sequence, TypedDict

from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.release import ring
from cicd.release.host import ConsulHost, Host
from cicd.release.lifecycle import PAIR, PRODUCTION
from cicd.release.record import HEALTHY, Build, Cause, Release, Ring
from cicd.release.version import package_name
from cicd.repository.apt_index import Repository
from cicd.sanitize import one_line
from cicd.store.store import Store

DPKG_SECONDS = 30
LISTED = 40


class FoundHost(TypedDict):
    """See Found."""

    host: str
    ring: str
    version: str


class Adoption(TypedDict):
    """What was adopted, or would be: the version by ring, and some hosts."""

    adopted: bool
    versions: Dict[str, str]
    hosts: List[FoundHost]
    message: str


@dataclass(frozen=True)
class Found:
    """What one host of a ring runs; `version` is empty when dpkg has the package not installed."""

    host: str
    ring: str
    version: str


def look(settings: Settings, project: Project) -> list[Found]:
    """
    Return what every host of *project* runs, as its dpkg says.

    Refused when a host is unhealthy, unreachable, or in no ring: a record of less than
    everything would be a guess.
    """
    store = Store(settings)
    hosts = store.health(project)
    _refuse_half_tagged(settings, store, project, hosts)
    sick = ring.unhealthy(hosts, [one.name for one in hosts])
    if sick:
        why = "; ".join(f"{name}: {one_line(reason)}" for name, reason in sorted(sick.items()))
        raise Refused(f"{project.name} is not healthy everywhere ({why}).", "Repair it, then adopt it.")
    return [
        _installed(settings, project, host, name)
        for name in project.lifecycle.names
        for host in _members(settings, project, hosts, name)
    ]


def agreed(project: str, found: Sequence[Found], last: str = PRODUCTION) -> dict[str, str]:
    """Return the version that all hosts of a ring run, by ring; Refused when they disagree."""
    versions: dict[str, str] = {}
    for name in sorted({one.ring for one in found}):
        there = {one.version for one in found if one.ring == name}
        if len(there) != 1 or not all(there):
            hosts = ", ".join(f"{one.host}: {one.version or 'none'}" for one in found if one.ring == name)
            raise Refused(
                f"{project}'s {name} hosts do not run one version ({hosts}); nothing was adopted.",
                "Bring them to one version the way you did until now, then adopt it.",
            )
        versions[name] = there.pop()
    if last not in versions:
        raise Refused(f"{project} has no {last} host to adopt.", "Check `discovery` and the hosts' tags.")
    return versions


def adopted(release: Release, builds: Mapping[str, Build], when: float) -> Release:
    """Return the first record of a project: each ring runs its build, healthy since *when*."""
    if release.generation:
        raise Refused(
            f"{release.project} has a release record already (generation {release.generation}).",
            f"See: st2 run cicd.get_release project={release.project}",
        )
    return replace(release, generation=1, rings={name: _running(one, when) for name, one in builds.items()})


def adopt(settings: Settings, name: str, who: str, apply: bool) -> Adoption:
    """Build the record of project *name*; without *apply* only say what it would be."""
    project, store, when = settings.project(name), Store(settings), time.time()
    adopted(store.release(project.name), {}, when)
    found = look(settings, project)
    repository, package = Repository(settings, project), package_name(project.name)
    versions = agreed(project.name, found, project.lifecycle.last)
    builds = {ring_name: repository.build(package, version) for ring_name, version in versions.items()}
    if apply:
        cause = Cause(one_line(who, 100), "taken over as its hosts run it", when)
        store.change(project.name, "adopt", project.lifecycle.last, cause, lambda r: adopted(r, builds, when))
    return {
        "adopted": apply,
        "versions": versions,
        "hosts": [FoundHost(host=one.host, ring=one.ring, version=one.version) for one in found[:LISTED]],
        "message": _message(project.name, found, versions, apply),
    }


def _running(build: Build, when: float) -> Ring:
    return Ring(state=HEALTHY, wanted=build, last_good=build, generation=1, since=when)


def _members(settings: Settings, project: Project, hosts: Sequence[ConsulHost], name: str) -> list[Host]:
    tags = settings.tags(project)
    there = [one for one in hosts if one.ring(tags) == name]
    return ring.members(there, project.name, name, tags) if there else []


def _installed(settings: Settings, project: Project, host: Host, name: str) -> Found:
    package = package_name(project.name)
    with Shell(settings, host) as shell:
        said = shell.run(
            ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package], DPKG_SECONDS
        ).stdout
    status, _, version = said.strip().partition(" ")
    return Found(host.name, name, version if status == "installed" else "")


def _refuse_half_tagged(
    settings: Settings, store: Store, project: Project, hosts: Sequence[ConsulHost]
) -> None:
    tag, canary_tag = settings.tag(project), settings.canary_tag(project)
    canaries = store.healthy(settings.service_name(project), canary_tag)
    half = sorted({one.name for one in canaries} - {one.name for one in hosts})
    if half and project.lifecycle is PAIR:
        raise Refused(
            f"{', '.join(half)} carries the tag {canary_tag} of {project.name} but not {tag}.",
            "A canary host carries both: register its service with both tags, then adopt it.",
        )


def _message(project: str, found: Sequence[Found], versions: Mapping[str, str], apply: bool) -> str:
    lines = []
    for name in sorted(versions, reverse=True):
        hosts = ", ".join(one.host for one in found if one.ring == name)
        lines.append(f"  {name}: {versions[name]} on {hosts}")
    if "canary" not in versions:
        lines.append("  canary: no host carries its tag; deploys need one")
    if apply:
        head = f"{project} is adopted as its hosts run it:"
        lines.append("  next: install cicd-converge on the hosts; they find nothing to do")
    else:
        head = f"{project} would be adopted as its hosts run it:"
        lines.append(f"  then: st2 run cicd.adopt_release project={project} apply=true")
    return "\n".join([head, *lines])
