"""What a deploy would do, host by host, before it is done; and whether that is still so."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple, TypedDict, Union, final

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.deploy import commands, planned
from cicd.deploy import commits as compare
from cicd.deploy.commits import Comparison
from cicd.errors import CicdError, HostError, InputError, Refused
from cicd.release import host_report, transitions, waiting
from cicd.release.host import Host
from cicd.release.host_report import HostReport
from cicd.release.lifecycle import PRODUCTION
from cicd.release.record import Build, Release
from cicd.release.ring import batches
from cicd.release.version import package_name
from cicd.repository.published import published
from cicd.sanitize import one_line
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

CONVERGE = ("sudo", "-n", "/usr/bin/cicd-converge")
LISTED = 20
PARTS = ("release", "hosts", "packages")


class PlannedHost(TypedDict, total=False):
    """What a host answered: the version `installed`, and what `apt` would do or why it would not."""

    host: str
    address: str
    installed: str
    apt: List[str]
    error: str


@final
class Unknown(TypedDict, total=False):
    """Why nobody knows the commits of a plan; nothing is said of a ring that runs nothing."""

    error: str


Commits = Union[Comparison, Unknown]


class PlanResult(TypedDict):
    """A plan as an action's result, see Plan."""

    plan: str
    project: str
    ring: str
    version: str
    hosts: List[PlannedHost]
    batches: List[List[str]]
    refused: List[Dict[str, object]]
    judged: str
    commits: Commits
    message: str


@dataclass(frozen=True)
class Plan:
    """
    What a deploy of `build` to `ring` would do now.

    `hosts` has one answer per host. `refusals` are the guards that would stop the deploy, each with its
    way out. `judged` is in words what was found of the rings before it.
    """

    project: str
    ring: str
    build: Build
    generation: int
    hosts: Tuple[PlannedHost, ...]
    batches: Tuple[Tuple[str, ...], ...]
    refusals: Tuple[CicdError, ...]
    judged: str = ""
    is_first: bool = False  # whether `ring` is the one that every version comes to first

    @property
    def id(self) -> str:
        """Return what identifies all that was seen: `<generation>-<hosts>-<packages>`."""
        target = [self.project, self.ring, self.build.version, self.build.sha256]
        there = [[host["host"], host["address"], host.get("installed", "")] for host in self.hosts]
        packages = [[host.get("apt"), host.get("error", "")] for host in self.hosts]
        return f"{self.generation}-{_digest([target, there])}-{_digest(packages)}"


def make(settings: Settings, project: str, ring: str, version: str = "") -> Plan:
    """
    Return the Plan of a deploy of *version* to the first ring, or of a promotion to another one.

    With an empty *ring* it is that to which `deploy_production` would promote next.
    Asks Consul, the repository and every reachable host of the ring; changes nothing.
    """
    store, found = Store(settings), settings.project(project)
    seen = store.look(Look(found, more=commands.keys_of_promotions))
    ring = identifiers.check("ring", ring or commands.next_production(seen.release, ())[0])
    build = _target(seen, ring, version)
    if build not in waiting.awaiting(seen.release):
        seen = store.look(Look(found, keys=commands.keys_of(found.name, build)))
    known, hosts = seen.release, seen.hosts(ring, reachable_only=True)
    with ThreadPoolExecutor(max_workers=max(1, settings.ssh.parallel)) as pool:
        answers = list(pool.map(lambda host: _ask(settings, host, known.project, build), hosts))
    sizes = batches(hosts, seen.deploy(ring).batches)
    return Plan(
        project=known.project,
        ring=ring,
        build=build,
        generation=known.generation,
        hosts=tuple(answers),
        batches=tuple(tuple(host.name for host in batch) for batch in sizes),
        refusals=tuple(_refusals(seen, ring, version, build)),
        judged=commands.judged(known, known.lifecycle.stage(ring).after),
        is_first=ring == found.lifecycle.first,
    )


def refuse_moved(settings: Settings, project: str, ring: str, plan_id: str) -> None:
    """Raise Refused unless a promotion of *project* to *ring* would do what the plan *plan_id* showed."""
    then = identifiers.check("plan", plan_id).split("-")
    planned.refuse_generation(plan_id, Store(settings).release(settings.project(project).name))
    now = make(settings, project, ring).id.split("-")
    moved = [f"the {part}" for number, part in enumerate(PARTS) if then[number] != now[number]]
    if moved:
        raise planned.moved(project, plan_id, moved)


def as_result(settings: Settings, plan: Plan) -> PlanResult:
    """Return *plan* as an action's result, with the commits that it would bring."""
    old = Store(settings).release(plan.project).ring(plan.ring).wanted
    commits = _commits(settings, plan, old) if old else Unknown()
    return {
        "plan": plan.id,
        "project": plan.project,
        "ring": plan.ring,
        "version": plan.build.version,
        "hosts": _bounded(plan),
        "batches": [list(batch) for batch in plan.batches],
        "refused": [refusal.as_result() for refusal in plan.refusals],
        "judged": plan.judged,
        "commits": commits,
        "message": message(plan, commits),
    }


def message(plan: Plan, commits: Commits) -> str:
    """Return *plan* as lines to read: hosts, what apt would do, commits, refusals, the next step."""
    lines = [f"{plan.project} {plan.build.version} to {plan.ring}, {_counted(plan)}"]
    lines += [f"  {_host(plan, host)}" for host in plan.hosts[:LISTED]]
    if len(plan.hosts) > LISTED:
        lines.append(f"  and {len(plan.hosts) - LISTED} more hosts")
    lines += [f"  {line}" for line in _said(commits)]
    lines += [f"  {plan.judged}"] if plan.judged else []
    lines += [f"  refused: {refusal.message} {refusal.hint}" for refusal in plan.refusals]
    return "\n".join([*lines, f"  {_next(plan)}"])


def _target(seen: Snapshot, ring: str, version: str) -> Build:
    known = seen.release
    before = known.lifecycle.stage(ring).after
    if before:
        wanted = known.ring(before[0]).wanted
        return wanted or transitions.promotable(known, float("inf"), 0, ring=ring)
    package = package_name(known.project)
    if not version:
        hint = f"Name one that `apt-cache madison {package}` lists on an app host."
        raise InputError(f"A plan for {ring} needs a version.", hint)
    return published(seen.settings, seen.project, package, version)


def _ask(settings: Settings, host: Host, project: str, build: Build) -> PlannedHost:
    answer: PlannedHost = {"host": host.name, "address": host.address}
    argv = [*CONVERGE, "--plan", f"{','.join(build.packages)}={build.version}", project]
    try:
        with Shell(settings, host) as shell:
            outcome = shell.run(argv, settings.deploy.host_timeout)
        report = host_report.printed(outcome.stdout)
        return {**answer, "installed": report.installed, **_packages(report)}
    except ValueError:
        return {**answer, "error": f"cicd-converge gave no plan: {one_line(outcome.stderr)}"}
    except HostError as error:
        return {**answer, "error": error.message}


def _packages(report: HostReport) -> PlannedHost:
    if report.state != "planned":
        return {"error": one_line(report.message)}
    return {"apt": [one_line(line, 200) for line in report.apt]}


def _refusals(seen: Snapshot, ring: str, version: str, build: Build) -> list[CicdError]:
    """A plan is the command that is not written; each of its parts that refuses is named."""
    guards: list[Callable[[], object]] = [lambda: seen.deployable_hosts(ring)]
    if ring != seen.release.lifecycle.first:
        guards.append(lambda: _refuse_other(seen.release, ring, version))
        guards.append(lambda: commands.promotable(seen, ring))
    else:
        guards.append(lambda: commands.refuse_unpublished(seen, build))
        guards.append(lambda: transitions.advertise_canary(seen.release, build, seen.now))
    found: dict[str, CicdError] = {}
    for guard in guards:
        try:
            guard()
        except Refused as refusal:
            found.setdefault(refusal.message, refusal)
    return list(found.values())


def _refuse_other(known: Release, ring: str, version: str) -> None:
    before = known.lifecycle.stage(ring).after[0]
    there = known.ring(before).wanted
    if version and (there is None or there.version != version):
        raise Refused(
            f"{known.project} {version} is not the {before}; {ring} only gets the {before}.",
            f"Deploy it to {known.lifecycle.first} first: "
            f"st2 run cicd.deploy project={known.project} version={version}",
        )


def _commits(settings: Settings, plan: Plan, old: Build) -> Commits:
    try:
        return compare.between(settings, plan.project, old.version, plan.build.version)
    except CicdError as error:
        return {"error": error.message}


def _said(commits: Commits) -> Sequence[str]:
    if "commits" in commits:
        return compare.message(commits).splitlines()
    return [f"commits unknown: {commits['error']}"] if "error" in commits else []


def _counted(plan: Plan) -> str:
    sizes = ", ".join(str(len(batch)) for batch in plan.batches)
    return f"{len(plan.hosts)} {'host' if len(plan.hosts) == 1 else 'hosts'} in batches of {sizes}"


def _host(plan: Plan, host: PlannedHost) -> str:
    moved = f"{host['host']}: {host.get('installed') or 'nothing'} -> {plan.build.version}"
    if "error" in host:
        return f"{moved}: {host['error']}"
    return f"{moved}: {one_line('; '.join(host['apt']), 300) or 'nothing to install'}"


def _next(plan: Plan) -> str:
    failing = [host["host"] for host in plan.hosts if "error" in host]
    if plan.refusals or failing:
        return f"not possible now: refused by {len(plan.refusals)} guards, {len(failing)} hosts would fail"
    if plan.is_first:
        return f"then: st2 run cicd.deploy project={plan.project} version={plan.build.version}"
    if plan.ring == PRODUCTION:
        return f"then: st2 run cicd.deploy_production project={plan.project} plan={plan.id}"
    return f"then: st2 run cicd.promote project={plan.project} ring={plan.ring} plan={plan.id}"


def _bounded(plan: Plan) -> list[PlannedHost]:
    worst_first = sorted(plan.hosts, key=lambda host: ("error" not in host, host["host"]))
    return [{**host, "apt": host.get("apt", [])[:3]} for host in worst_first[:LISTED]]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
