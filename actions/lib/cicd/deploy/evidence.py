"""Whether a deploy may end: what its hosts report, and which of them its budget excuses. Pure."""

from __future__ import annotations

from cicd.fleet import rollout_log
from cicd.release import ring, verification
from cicd.release.verification import Proof
from cicd.store.snapshot import Snapshot


def of_end(seen: Snapshot, ring_name: str, generation: int) -> tuple[Proof | None, tuple[str, ...]]:
    """
    Return what proves that the deploy of *generation* ended, and the hosts that failed within its budget.

    Who wants nothing needs no proof, and who goes back excuses nobody.
    """
    current = seen.release.ring(ring_name)
    if not current.wanted:
        return None, ()
    found = seen.proof(ring_name, seen.updated_hosts(ring_name))
    if current.backward:
        return found, ()
    budget = ring.failure_budget(seen.deploy(ring_name).failure_budget, len(found.hosts))
    excused = verification.excused(found, rollout_log.failed(seen.rollout(generation)), budget)
    return verification.without(found, excused), excused
