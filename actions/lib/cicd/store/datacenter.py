"""What another Consul datacentre than the one with the record says of a project, at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, List, Sequence

from cicd.clients.consul import Items
from cicd.config import Project, Settings
from cicd.release import host_report
from cicd.release.host import ConsulHost


@dataclass(frozen=True)
class Datacenter:
    """
    The project's keys and hosts in the datacentre `name`.

    `failure` says why nothing is known of it; it has neither then.
    """

    name: str
    items: Items = field(default_factory=dict)
    hosts: Sequence[ConsulHost] = ()
    failure: str = ""


def apart(found: Datacenter, known: Collection[str], project: str) -> Datacenter:
    """Return *found*, of which nothing counts where one of its hosts has a name that is *known* already."""
    both = sorted({host.name for host in found.hosts} & set(known))
    if not both:
        return found
    why = (
        f"its node {both[0]} has {project}, as a node of that name in another datacentre has. Give each "
        "node its own name; a ring in the record's datacentre needs no `datacenter`"
    )
    return Datacenter(found.name, failure=why)


def places(settings: Settings, project: Project, name: str, reports: bool = True) -> List[str]:
    """Return where the keys begin that are read of *project* in the datacentre *name*."""
    keys = settings.version_keys(project, name).values()
    hosts = [host_report.prefix(project.name)] if reports else []
    return [stamp_key(project.name), f"cicd/{project.name}/wanted/", *dict.fromkeys(keys), *hosts]


def stamp_key(project: str) -> str:
    """Return where a datacentre has the generation of its copy for *project*."""
    return f"cicd/{project}/copied"
