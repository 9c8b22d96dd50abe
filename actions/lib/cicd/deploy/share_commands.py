"""Every change of the canary's share of the requests, decided on what is known at one moment. Pure."""

from __future__ import annotations

from cicd.deploy import planned
from cicd.errors import CicdError, Refused
from cicd.release import shares, traffic
from cicd.release.firing import SILENCE, Alarms
from cicd.release.lifecycle import BY_ITSELF
from cicd.release.traffic import Traffic
from cicd.store.change import Change
from cicd.store.snapshot import Snapshot


def set_share(seen: Snapshot, share: float | None) -> Change:
    """Let the canary get the *share*, a percentage, of the requests, or None, as many as any other host."""
    alarms = SILENCE
    if not _is_less(seen, share):
        _refuse_unfollowed(seen)
        alarms = _alarms(seen)
    after = shares.set_share(seen.release, share, seen.now, alarms)
    return Change(after, "set_traffic", traffic.told(share))


def step(seen: Snapshot, due: int) -> Change:
    """Let the canary get the share that was found to be *due* at that generation of the record."""
    share, name = next_share(seen), seen.release.lifecycle.canary
    planned.refuse_undue(due, seen.release, name, "a share of the requests for")
    if share is None:
        raise Refused(f"No other share of the requests is due for {seen.project.name} on {name}.", "")
    after = shares.set_share(seen.release, share, seen.now, _alarms(seen), by_steps=share > 0)
    return Change(after, "set_traffic", f"{BY_ITSELF}, {traffic.told(share)}")


def next_share(seen: Snapshot) -> float | None:
    """
    Return the share that the canary is to get now by itself; None when that is no other than it has.

    No step follows before every load balancer that reports has applied the one before.
    """
    share = shares.next_share(seen.release, _alarms(seen))
    return None if share and not is_followed(seen) else share


def is_followed(seen: Snapshot) -> bool:
    """Whether load balancers report, and all have the share that is wanted."""
    known = seen.release.canary.traffic
    return bool(reports(seen)) and not (known and traffic.late(reports(seen), seen.project.name, known))


def late(seen: Snapshot) -> list[str]:
    """Return a sentence of each load balancer that has not applied what is wanted, or of there being none."""
    known = seen.release.canary.traffic
    if not known or (known.share is None and not reports(seen)):
        return []
    return late_by(reports(seen), seen.project.name, known)


def late_by(reports: traffic.Reports, project: str, known: Traffic) -> list[str]:
    """Return what `late` does, of what is *known* of *project*."""
    return traffic.late(reports, project, known) if reports else ["no load balancer reports that it follows"]


def reports(seen: Snapshot) -> traffic.Reports:
    """Return what load balancers reported last, by node."""
    return traffic.reports((key, item["Value"]) for key, item in seen.items.items())


def _is_less(seen: Snapshot, share: float | None) -> bool:
    """Whether the canary has a share already, and is to get no more: whoever follows later has less, too."""
    had = seen.release.canary.share
    return share is not None and had is not None and share <= had


def _refuse_unfollowed(seen: Snapshot) -> None:
    stage = shares.canary(seen.release)
    if stage.datacenter:
        raise Refused(
            f"{stage.name} of {seen.project.name} is in Consul's datacentre {stage.datacenter}, whose load "
            "balancers are not followed.",
            "Only a canary in the datacentre with the record gets a share of the requests.",
        )
    if not reports(seen):
        raise Refused(
            f"No load balancer reports to Consul, so nobody would send {seen.project.name} a share.",
            "Install cicd-traffic on the load balancers' hosts, see docs/traffic.md.",
        )


def _alarms(seen: Snapshot) -> Alarms:
    name = seen.release.lifecycle.canary
    return seen.alarms({node for node, ring in seen.rings.items() if ring == name})


def is_due(seen: Snapshot) -> bool:
    """Whether the canary is to get another share by itself; not where that cannot be told."""
    try:
        return next_share(seen) is not None
    except CicdError:
        return False
