"""A machine: where it is, and what Consul says of the service that it offers. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import List, Mapping, Optional, TypedDict

SERF = "serfHealth"  # Consul's own check of a node: whether its agent is reached
PASSING = "passing"
MAINTENANCE = "_service_maintenance:"  # how Consul begins the name of the check of a service's maintenance
DRAINED = "cicd-converge is updating this host"  # the reason that cicd-converge gives for one


class ConsulNode(TypedDict):
    """The node of a service, as Consul answers."""

    Node: str
    Address: str
    Meta: Optional[Mapping[str, str]]


class ConsulService(TypedDict):
    """A service on a node, as Consul answers."""

    ID: str
    Address: str
    Port: int
    Tags: Optional[List[str]]


class ConsulCheck(TypedDict, total=False):
    """A check of a node or a service, as Consul answers."""

    CheckID: str
    Name: str
    Status: str
    Output: str
    Notes: str
    ModifyIndex: int


class ConsulEntry(TypedDict):
    """One item of Consul's answer to /v1/health/service."""

    Node: ConsulNode
    Service: ConsulService
    Checks: List[ConsulCheck]


@dataclass(frozen=True)
class Host:
    """One machine, as Consul knows it; `zone` is its availability zone, empty when it has none."""

    name: str
    address: str
    zone: str = ""


@dataclass(frozen=True)
class Check:
    """
    One health check of a host; `status` is Consul's word: passing, warning or critical.

    `index` grows whenever Consul writes it down; `said` tells two outputs of it apart. `note` is why
    it is there, as whoever registered it says.
    """

    id: str
    name: str
    status: str
    index: int = field(default=0, compare=False)
    said: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    @property
    def passes(self) -> bool:
        """Whether it is passing, which warning is not."""
        return self.status == PASSING


@dataclass(frozen=True)
class ConsulHost:
    """
    One host of a service, healthy or not, as Consul answers about the health of that service.

    `name` is its node, `address` the service's or, without one, the node's; `meta` is the node's.
    `service_address` is empty when the service was registered without an address, `datacenter` where it
    is that with the record.
    """

    name: str
    address: str
    tags: tuple[str, ...]
    checks: tuple[Check, ...]
    meta: Mapping[str, str]
    service_id: str
    service_address: str
    port: int
    datacenter: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether Consul reaches the host's agent."""
        return all(check.passes for check in self.checks if check.id == SERF)

    @property
    def is_drained(self) -> bool:
        """Whether cicd-converge took it out of traffic, to update it."""
        return any(check.id.startswith(MAINTENANCE) and check.note == DRAINED for check in self.checks)

    @property
    def trouble(self) -> str:
        """Which of its checks do not pass; empty when all do."""
        return ", ".join(f"{check.name} is {check.status}" for check in self.checks if not check.passes)

    def carries(self, tag: str) -> bool:
        """Whether it has the *tag* of a ring; one without a tag asks for none."""
        return not tag or tag in self.tags

    def ring(self, tags: Mapping[str, str]) -> str:
        """Return the first ring of *tags*, tag by ring, whose tag it carries or that has none; or nothing."""
        return next((name for name, tag in tags.items() if self.carries(tag)), "")

    def host(self, zone_meta: str = "") -> Host:
        """Return the machine, in the zone that its meta *zone_meta* says."""
        return Host(self.name, self.address, self.zone(zone_meta))

    def zone(self, zone_meta: str) -> str:
        """Return the zone that the node's meta *zone_meta* says; empty when it says none."""
        return self.meta.get(zone_meta, "")


def from_consul(entry: ConsulEntry, datacenter: str = "") -> ConsulHost:
    """Return the host that *entry*, which *datacenter* answered, is about."""
    node, service = entry["Node"], entry["Service"]
    return ConsulHost(
        name=str(node["Node"]),
        address=str(service["Address"] or node["Address"]),
        tags=tuple(service["Tags"] or ()),
        checks=tuple(_check(one) for one in entry["Checks"]),
        meta={str(key): str(value) for key, value in (node.get("Meta") or {}).items()},
        service_id=str(service["ID"]),
        service_address=str(service["Address"]),
        port=int(service["Port"]),
        datacenter=datacenter,
    )


def _check(given: ConsulCheck) -> Check:
    said = f"{zlib.crc32(given.get('Output', '').encode()):08x}"
    return Check(
        given["CheckID"],
        given["Name"],
        given["Status"],
        given.get("ModifyIndex", 0),
        said,
        given.get("Notes", ""),
    )
