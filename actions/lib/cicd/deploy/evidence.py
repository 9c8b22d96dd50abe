"""What the hosts of a ring reported last, and whether Consul's checks pass on them."""

from __future__ import annotations

import time
from typing import Sequence

from cicd.config import Project, Settings
from cicd.fleet import rollout_log
from cicd.release import ring, verification
from cicd.release.record import Ring
from cicd.release.ring import Host
from cicd.release.verification import Proof
from cicd.store.store import Store


def of(store: Store, project: Project, current: Ring, hosts: Sequence[Host]) -> Proof:
    """Return what proves that *hosts* run what the ring *current* wants, and what troubles each."""
    found = Proof(current.wanted.version if current.wanted else "")
    failing = ring.unhealthy(store.health(project), [host.name for host in hosts])
    reports = store.reports(project.name)
    for host in hosts:
        report, trouble = reports.get(host.name), failing.get(host.name, "")
        found = verification.record_host(found, host.name, report, trouble, time.time())
    return found


def of_end(
    settings: Settings, store: Store, project: Project, current: Ring, hosts: Sequence[Host]
) -> tuple[Proof | None, tuple[str, ...]]:
    """
    Return what proves that the deploy to *current* ended, and the hosts that failed within its budget.

    Who wants nothing needs no proof, and who goes back excuses nobody.
    """
    if not current.wanted:
        return None, ()
    found = of(store, project, current, hosts)
    if current.backward:
        return found, ()
    budget = ring.failure_budget(settings.deploy["failure_budget"], len(found.hosts))
    excused = verification.excused(found, rollout_log.failed(store, project.name, current.generation), budget)
    return verification.without(found, excused), excused
