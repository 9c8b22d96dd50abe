"""Bring the hosts of a ring to the wanted version, batch by batch."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Callable, Sequence

from cicd.clients.fanout import Answer, Fanout
from cicd.config import Project, Settings
from cicd.errors import CicdError, HostError
from cicd.fleet import rollout_summary
from cicd.fleet.rollout_log import Logbook
from cicd.release import host_report
from cicd.release.host import Host
from cicd.release.host_report import SILENT, HostReport, failure
from cicd.release.ring import batch_sizes, failure_budget, unhealthy
from cicd.release.rollout_record import CANCELLED
from cicd.sanitize import one_line
from cicd.store.snapshot import Look
from cicd.store.store import Store

CONVERGE = ("sudo", "-n", "/usr/bin/cicd-converge")
PROTOCOL = "1"  # what cicd-converge --protocol must say
PROBE_SECONDS = 30
HEALTH_LIMIT_SECONDS = 30
ROOM_LIMIT_SECONDS = 60
SETTLE_SECONDS = 1  # load balancers see a change of health about this late
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Order:
    """
    What is to be rolled out: *generation* of a project's *ring*, to *hosts*.

    *wide* is how one goes back: all hosts at once as far as capacity allows, at least one at a
    time, and no failure keeps the others from being tried.
    """

    project: Project
    ring: str
    generation: int
    hosts: Sequence[Host]
    all_at_once: bool = False


class Rollout:
    """One run over the hosts of a ring."""

    def __init__(
        self,
        settings: Settings,
        order: Order,
        cancelled: Callable[[], bool] = lambda: False,
        still_ours: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._order = order
        self._cancelled = cancelled
        self._still_ours = still_ours
        self._store = Store(settings)
        self._logbook = Logbook(settings, order.project.name, order.ring, order.generation)
        self._deploy = settings.deploy_of(order.project, order.ring)
        self._catalog = self._store.catalog_of(order.project, order.ring)
        self._deadline = time.monotonic() + self._deploy.time_limit
        self._reports: dict[str, HostReport] = {}
        total, budget = len(order.hosts), self._deploy.failure_budget
        self._budget = total if order.all_at_once else failure_budget(budget, total)

    def run(self) -> list[HostReport]:
        """
        Let the hosts converge and return their reports.

        Before a deploy touches one, every host is asked whether it can be reached and knows this
        protocol, over the connection that its turn uses again; who goes back has no time for that.
        Once more hosts failed than the budget allows, HostError names them, and the hosts of later
        batches are not touched. The next batch begins when Consul's checks pass on this one and load
        balancers had time to see it.
        """
        self._wait_for_turn()
        with self._logbook, Fanout(self._settings) as fan:
            try:
                if not self._order.all_at_once:
                    fan.run(self._order.hosts, [*CONVERGE, "--protocol"], PROBE_SECONDS, self._probed)
                    self._stop_if_spent()
                self._roll(fan)
            except HostError:
                self._note_cancelled()
                raise
        if self._order.all_at_once and self._failed():
            raise self._stopped("failed")
        return list(self._reports.values())

    def _wait_for_turn(self) -> None:
        """Two at once would each take hosts out of traffic; and there is one budget for all of a deploy."""
        while not self._logbook.begins():
            self._still_ours()
            if self._cancelled() or time.monotonic() > self._deadline:
                raise self._stopped("another rollout of it did not end in time")
            time.sleep(SETTLE_SECONDS)
        if not self._order.all_at_once:
            self._budget -= self._logbook.failed_besides([host.name for host in self._order.hosts])

    def _roll(self, fan: Fanout) -> None:
        waiting = [host for host in self._order.hosts if host.name not in self._reports]
        sizes = batch_sizes(("100%",) if self._order.all_at_once else self._deploy.batches, len(waiting))
        number = 0
        while waiting:
            number += 1
            self._refuse_to_go_on()
            batch = self._room(waiting, next(sizes))
            waiting = [host for host in waiting if host not in batch]
            self._logbook.write({"batch": number, "untouched": len(waiting)})
            _say(f"batch {number}: {len(batch)} hosts, {len(waiting)} after it")
            self._converge(fan, batch)
            self._stop_if_spent()
            if waiting and any(self._state(host) != "unchanged" for host in batch):
                time.sleep(SETTLE_SECONDS)

    def _converge(self, fan: Fanout, batch: Sequence[Host]) -> None:
        argv = [*CONVERGE, "--generation", str(self._order.generation), self._order.project.name]
        limit = min(self._deploy.host_timeout, self._deadline - time.monotonic())
        began = time.monotonic()

        def converged(host: Host, answer: Answer) -> None:
            self._keep(_report(host, answer)._replace(seconds_total=round(time.monotonic() - began, 2)))

        fan.run(batch, argv, max(1.0, limit), converged, lambda: self._failed() <= self._budget)
        self._wait_until_healthy([h for h in batch if self._state(h) in ("converged", "unchanged")])

    def _probed(self, host: Host, answer: Answer) -> None:
        if isinstance(answer, HostError):
            self._keep(failure(host.name, "unreachable", answer.message))
        elif answer.code != 0 and "sudo" in answer.stderr:
            self._keep(_sudo_refuses(host, answer.stderr))
        elif answer.stdout.strip() != PROTOCOL:
            said = "its cicd-converge is older than this pack; install the present cicd-converge package"
            self._keep(failure(host.name, "agent", said))

    def _room(self, waiting: Sequence[Host], size: int) -> list[Host]:
        """Return the next batch: as many hosts as the size says and the capacity allows."""
        deadline = min(self._deadline, time.monotonic() + ROOM_LIMIT_SECONDS)
        while True:
            now = self._store.look(Look(self._order.project, reports=False))
            if found := now.drainable_hosts(self._order.ring, waiting):
                return found[:size]
            if self._order.all_at_once:
                return list(waiting[:1])
            if time.monotonic() > deadline:
                raise self._stopped(
                    f"stopped: too few hosts are healthy to take another one out of traffic "
                    f"(`deploy.min_healthy` is {self._deploy.min_healthy})"
                )
            time.sleep(POLL_SECONDS)

    def _wait_until_healthy(self, hosts: Sequence[Host]) -> None:
        deadline = min(self._deadline, time.monotonic() + HEALTH_LIMIT_SECONDS)
        names, there = [host.name for host in hosts], self._catalog
        while True:
            reasons = unhealthy(there.health(self._order.project), names)
            if not reasons or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        for host in hosts:
            if host.name in reasons:
                why = f"is installed but not healthy ({one_line(reasons[host.name])})"
                known = self._reports[host.name]
                self._keep(known._replace(state=host_report.FAILED, code="unhealthy", message=why))

    def _refuse_to_go_on(self) -> None:
        self._still_ours()
        if self._cancelled():
            raise self._stopped("was cancelled")
        if time.monotonic() > self._deadline:
            raise self._stopped(f"took longer than {self._deploy.time_limit} s")

    def _note_cancelled(self) -> None:
        """After a cancelled rollout no step follows, whatever stopped it: its record says that it is over."""
        if self._cancelled():
            self._logbook.write({"state": CANCELLED})

    def _stop_if_spent(self) -> None:
        if self._failed() > self._budget:
            raise self._stopped("failed")

    def _stopped(self, what: str) -> HostError:
        reports, total = list(self._reports.values()), len(self._order.hosts)
        untouched, why = total - len(reports), _bracketed(rollout_summary.sentence(reports))
        project = f"{self._order.project.name} {what} on {self._order.ring}"
        others = f"{untouched} further hosts were not touched. " if untouched else ""
        return HostError(
            f"{project}: {self._failed()} of {total} hosts failed{why}.",
            "Correct the cause; its hosts then roll back by themselves."
            if self._order.all_at_once
            else f"{others}Correct the cause, then deploy again.",
            detail=self._logbook.key,
            **rollout_summary.summary(reports, untouched),
        )

    def _failed(self) -> int:
        return len(rollout_summary.failures(list(self._reports.values())))

    def _state(self, host: Host) -> str:
        return self._reports.get(host.name, SILENT).state

    def _keep(self, report: HostReport) -> None:
        self._reports[report.host] = report
        self._logbook.say(report)
        _say(f"{report.host}: {report.state} {report.installed} {report.message}")


def _report(host: Host, answer: Answer) -> HostReport:
    if isinstance(answer, CicdError):
        return failure(host.name, "unreachable", answer.message)
    try:
        report = host_report.printed(answer.stdout)
        if report.state not in ("converged", "unchanged", "held", host_report.FAILED):
            raise ValueError(report.state)
    except ValueError:
        if "sudo:" in answer.stderr:
            return _sudo_refuses(host, answer.stderr)
        said = one_line(answer.stderr or answer.stdout)
        return failure(host.name, "no_report", f"cicd-converge gave no report: {said}")
    if report.state == "held":  # a push is never held: this host obeys something else
        report = report._replace(state=host_report.FAILED)
    return host_report.neutral(report._replace(host=host.name))


def _sudo_refuses(host: Host, said: str) -> HostReport:
    return failure(host.name, "sudo", f"sudo refuses cicd-converge: {one_line(said)}")


def _say(line: str) -> None:
    sys.stdout.write(f"{one_line(line)}\n")
    sys.stdout.flush()


def _bracketed(text: str) -> str:
    return f" ({one_line(text, 700)})" if text else ""
