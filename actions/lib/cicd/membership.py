"""The hosts that a deploy may count on, as Consul knows them at this moment."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from cicd import fields, ring
from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.errors import Refused
from cicd.record import DEGRADED, HEALTHY, RINGS
from cicd.ring import Host


def of(
    settings: Settings, store: Store, project: Project, ring_name: str, reachable_only: bool = False
) -> list[Host]:
    """Return the ring's hosts; refused when there is none or, unless *reachable_only*, one is down."""
    return ring.members(
        store.health(project),
        project.name,
        fields.check("ring", ring_name),
        settings.canary_tag(project),
        reachable_only,
        store.release(project.name).holds.excluded,
        str(settings.discovery["zone_meta"]),
    )


def rings(settings: Settings, store: Store, project: Project) -> dict[str, str]:
    """Return the ring of each host of *project* that Consul knows, healthy or not."""
    tag = settings.canary_tag(project)
    return {entry["Node"]["Node"]: ring.name_of(entry, tag) for entry in store.health(project)}


def fit(settings: Settings, store: Store, project: Project, ring_name: str) -> list[Host]:
    """
    Return the ring's hosts when a deploy to them may begin.

    Refused when too many hosts are canaries, when a host of a ring whose last deploy ended well is
    not healthy, and when none may leave traffic without the capacity falling below its minimum.
    """
    hosts = of(settings, store, project, ring_name)
    entries = store.health(project)
    ring.refuse_crowd(
        entries, project.name, settings.canary_tag(project), str(settings.deploy["max_canaries"])
    )
    if store.release(project.name).ring(ring_name).state in (HEALTHY, DEGRADED):
        ring.refuse_sick(entries, project.name, hosts)
    _refuse_cramped(settings, counted(settings, store, project, ring_name), project, hosts)
    return hosts


def counted(settings: Settings, store: Store, project: Project, ring_name: str) -> list[Mapping[str, Any]]:
    """
    Return Consul's health entries of the hosts that count for the capacity of a deploy to *ring_name*.

    A ring that was never wanted to run anything serves nobody, so its hosts do not count.
    """
    known, canary_tag = store.release(project.name), settings.canary_tag(project)
    used = {name for name in RINGS if name == ring_name or known.ring(name).wanted}
    return [entry for entry in store.health(project) if ring.name_of(entry, canary_tag) in used]


def _refuse_cramped(
    settings: Settings, entries: Sequence[Mapping[str, Any]], project: Project, hosts: Sequence[Host]
) -> None:
    minimum = str(settings.deploy["min_healthy"])
    if not ring.capacity(entries, minimum, str(settings.discovery["zone_meta"])).room(hosts):
        raise Refused(
            f"Too few of {project.name}'s {len(entries)} hosts are healthy to take one out of traffic "
            f"(`deploy.min_healthy` is {minimum}).",
            "Add or repair hosts, or lower it, then deploy again.",
        )
