"""What a project requires of others before it is promoted to a ring. Pure."""

from __future__ import annotations

from cicd.clients.consul import Operation
from cicd.errors import Refused
from cicd.release.record import DEGRADED, HEALTHY
from cicd.release.version import is_at_least
from cicd.store.snapshot import Snapshot, release_key


def unmet(seen: Snapshot, ring: str) -> Refused | None:
    """Return why another project is not far enough on *ring*; None when all are that the project requires."""
    for name, needed in seen.project.requires.items():
        current = seen.record_of(name).ring(ring)
        version = current.wanted.version if current.wanted else ""
        if current.state not in (HEALTHY, DEGRADED) or not is_at_least(version, needed):
            there = f"{version} is {current.state} there" if version else "nothing of it is there"
            return Refused(
                f"{seen.project.name} requires {name} {needed} or later on {ring}, and {there}.",
                f"Bring {name} there first: st2 run cicd.get_release project={name}",
            )
    return None


def refuse_unmet(seen: Snapshot, ring: str) -> None:
    """Raise Refused while another project is not far enough on *ring*."""
    refusal = unmet(seen, ring)
    if refusal:
        raise refusal


def unmoved(seen: Snapshot) -> list[Operation]:
    """Return what makes a write fail when a project that is required moved since."""
    return [seen.unmoved_key(release_key(name)) for name in seen.project.requires]
