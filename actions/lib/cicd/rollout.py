"""Bring the hosts of a ring to the wanted version, batch by batch."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Sequence

from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.errors import CicdError, HostError
from cicd.ring import Host, batches, unhealthy
from cicd.ssh import Shell
from cicd.text import neutral_data, one_line

CONVERGE = ("sudo", "-n", "/usr/bin/cicd-converge")
HEALTH_LIMIT_SECONDS = 30
SETTLE_SECONDS = 1
Report = dict  # what cicd-converge prints: host, state, code, message, installed, seconds, …


def update(
    settings: Settings,
    project: Project,
    hosts: Sequence[Host],
    generation: int,
    sizes: Sequence[str],
    still_ours: Callable[[], None] = lambda: None,
) -> list[Any]:
    """
    Let *hosts* converge to *generation* in batches of *sizes*, and return their reports.

    The first batch in which a host fails is the last: HostError then names every failed
    host and carries all reports, and the hosts of later batches were not touched. The next
    batch begins when Consul's checks pass on this one and load balancers had time to see it.
    """
    store = Store(settings)
    reports: list[Any] = []
    for number, batch in enumerate(batches(hosts, sizes), 1):
        still_ours()
        _say(f"batch {number}: {', '.join(host.name for host in batch)}")
        reports += _in_parallel(settings, batch, lambda host: _converge(settings, project, host, generation))
        failed = [report for report in reports if report["state"] == "failed"]
        if failed:
            raise _stopped(project, failed, reports, hosts)
        _wait_until_healthy(store, project, batch)
        time.sleep(SETTLE_SECONDS)
    return reports


def _wait_until_healthy(store: Store, project: Project, hosts: Sequence[Host]) -> None:
    names = [host.name for host in hosts]
    deadline = time.monotonic() + HEALTH_LIMIT_SECONDS
    while True:
        reasons = unhealthy(store.health(project), names)
        if not reasons:
            return
        if time.monotonic() > deadline:
            why = "; ".join(f"{name}: {one_line(reason)}" for name, reason in sorted(reasons.items()))
            raise HostError(
                f"{project.name} is installed but not healthy ({why}).",
                "Look at the unit's journal on the host, then deploy again or roll back.",
            )
        time.sleep(0.3)


def _converge(settings: Settings, project: Project, host: Host, generation: int) -> Any:
    started = time.monotonic()
    try:
        with Shell(settings, host) as shell:
            argv = [*CONVERGE, "--generation", str(generation), project.name]
            outcome = shell.run(argv, int(settings.deploy["host_timeout"]))
        report = _report(host, outcome.stdout, outcome.stderr)
    except CicdError as error:
        report = _failure(host, "unreachable", error.message)
    report["seconds_total"] = round(time.monotonic() - started, 2)
    _say(f"{host.name}: {report['state']} {report.get('installed') or ''} {report.get('message', '')}")
    return report


def _report(host: Host, stdout: str, stderr: str) -> Any:
    try:
        report = json.loads(stdout.strip().splitlines()[-1])
        report["state"]
    except (IndexError, KeyError, TypeError, ValueError):
        return _failure(host, "no_report", f"cicd-converge gave no report: {one_line(stderr or stdout)}")
    return neutral_data(report)


def _failure(host: Host, code: str, message: str) -> Any:
    return {"host": host.name, "state": "failed", "code": code, "message": message}


def _in_parallel(settings: Settings, batch: Sequence[Host], work: Callable[[Host], Any]) -> list[Any]:
    with ThreadPoolExecutor(max_workers=max(1, int(settings.ssh["parallel"]))) as pool:
        return list(pool.map(work, batch))


def _stopped(
    project: Project, failed: Sequence[Any], reports: Sequence[Any], hosts: Sequence[Host]
) -> HostError:
    why = "; ".join(f"{report['host']}: {report['message']}" for report in failed)
    untouched = len(hosts) - len(reports)
    return HostError(
        f"{project.name} failed on {len(failed)} of {len(hosts)} hosts ({one_line(why, 600)}).",
        f"{untouched} further hosts were not touched. Correct the cause, then deploy again.",
        hosts=list(reports),
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{one_line(line)}\n")
    sys.stdout.flush()
