"""What is known of a project at one moment: all that a decision about it is based on, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Container, List, Mapping, Sequence, Type

from cicd import identifiers
from cicd.clients.consul import D, Items, Operation, below, document, unchanged
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.release import firing, host_report, record, ring
from cicd.release.firing import Alarms
from cicd.release.host import ConsulHost, Host
from cicd.release.host_report import SILENT, HostReport, Reports
from cicd.release.record import DEGRADED, EVERYTHING, HEALTHY, Release
from cicd.release.rollout_record import RolloutRecord, rollout_key
from cicd.release.stored import StoredRelease
from cicd.release.verification import Proof, record_host
from cicd.sections import DeploySettings
from cicd.store import deploy_lock, windows
from cicd.store.datacenter import Datacenter
from cicd.store.deploy_lock import Held

More = Callable[[Release], Sequence[str]]


def nothing(_: Release) -> Sequence[str]:
    """Read nothing more."""
    return ()


@dataclass(frozen=True)
class Look:
    """
    What a decision needs of a project besides its record.

    Its `hosts` with their last `reports`, of which a large fleet has many; `keys`, and `more` by its record.
    """

    project: Project
    hosts: bool = True
    reports: bool = True
    keys: Sequence[str] = ()
    more: More = nothing


@dataclass(frozen=True)
class Snapshot:
    """
    *project* as Consul had it `now` (epoch seconds).

    `items` are its keys that were read, `consul_hosts` what Consul says of its hosts, healthy or not;
    there are none where nobody asked for them. `release` knows what holds every project, too.
    `elsewhere` is what the other datacentres of its rings have, whose hosts are among `consul_hosts`.
    """

    settings: Settings
    project: Project
    release: Release
    items: Items
    consul_hosts: Sequence[ConsulHost]
    now: float
    elsewhere: Mapping[str, Datacenter] = field(default_factory=dict)

    def document(self, key: str, shape: Type[D]) -> D:
        """Return the document *key*, which was written in *shape*; an empty one when there is none."""
        return document(self.items, key, shape)

    @property
    def reports(self) -> Reports:
        """What each host reported last, by node."""
        found: dict[str, HostReport] = {}
        at = {one.name: one.datacenter for one in self.consul_hosts}
        for where, items in {"": self.items, **{n: one.items for n, one in self.elsewhere.items()}}.items():
            reports = below(items, host_report.prefix(self.project.name), host_report.Stored)
            # A host of another datacentre reports there.
            own = {node: stored for node, stored in reports.items() if at.get(node, where) == where}
            found.update({node: host_report.parse(stored) for node, stored in own.items()})
        return found

    def below(self, prefix: str, shape: Type[D]) -> dict[str, D]:
        """Return the documents below *prefix* that were read, by the rest of their keys."""
        return below(self.items, prefix, shape)

    def record_of(self, project: str) -> Release:
        """Return the record of another project that this one requires."""
        return _recorded(self.items, project)

    def rollout(self, generation: int) -> RolloutRecord:
        """Return what is known of the rollout of *generation*, when that was asked for."""
        return self.document(rollout_key(self.project.name, generation), RolloutRecord)

    def held(self, ring_name: str) -> Held:
        """Return who holds the deploy lock of the ring."""
        return deploy_lock.held(self.items, self.project.name, ring_name)

    def alarms(self, canaries: Container[str]) -> Alarms:
        """Return what fires, with *canaries* as canary hosts; Refused when it cannot be read."""
        key = firing.key(self.project.name)
        try:
            return firing.alarms(self.document(key, firing.Memory), self.now, canaries, self.drained)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refused(
                f"Whether an alarm fires is not known: the key {key} in Consul is unreadable.",
                f"See what fires in the monitoring system, then: consul kv delete {key}",
            ) from None

    @property
    def drained(self) -> frozenset[str]:
        """The hosts that are out of traffic because they are being updated."""
        return frozenset(one.name for one in self.consul_hosts if one.is_drained)

    def hosts(self, ring_name: str, reachable_only: bool = False) -> list[Host]:
        """Return the ring's hosts; refused when there is none or, unless *reachable_only*, one is down."""
        self.refuse_unreached(ring_name)
        where = self._datacenter(ring_name)
        return ring.members(
            self._hosts_in(where),
            self.project.name,
            identifiers.check("ring", ring_name),
            self.settings.tags(self.project, where),
            reachable_only,
            self.release.holds.excluded,
            self.settings.discovery.zone_meta,
        )

    def deployable_hosts(self, ring_name: str) -> list[Host]:
        """
        Return the ring's hosts when a deploy to them may begin.

        Refused when too many hosts are canaries, when a host of a ring whose last deploy ended well is
        not healthy, and when none may leave traffic without the capacity falling below its minimum.
        """
        hosts, name = self.hosts(ring_name), self.project.name
        share, where = self.deploy(ring_name).max_canaries, self._datacenter(ring_name)
        tags = self.settings.tags(self.project, where)
        productions = [one for one in self.project.lifecycle.productions if one in tags]
        ring.refuse_crowd(self._hosts_in(where), name, productions, tags, share)
        if self.release.ring(ring_name).state in (HEALTHY, DEGRADED):
            ring.refuse_sick(self.consul_hosts, name, hosts)
        self._refuse_cramped(ring_name, hosts)
        return hosts

    def drainable_hosts(self, ring_name: str, hosts: Sequence[Host]) -> list[Host]:
        """
        Return those of *hosts* that may leave traffic now, for a deploy to *ring_name*.

        A ring that was never wanted to run anything serves nobody, so its hosts do not count; and those of
        another datacentre serve others.
        """
        self.refuse_unreached(ring_name)
        minimum, room = self.deploy(ring_name).min_healthy, list(hosts)
        for backend in self._backends(ring_name):
            room = ring.capacity(backend, minimum, self.settings.discovery.zone_meta).room(room)
        return room

    def updated_hosts(self, ring_name: str) -> list[Host]:
        """Return the hosts that a deploy walks: all of them, but going back without those that are lost."""
        current = self.release.ring(ring_name)
        return self.hosts(ring_name, current.backward) if current.wanted else []

    def unproven_hosts(self, ring_name: str, reachable_only: bool) -> list[Host]:
        """Return the ring's hosts that are not proven to run, healthy, what it wants."""
        hosts = self.hosts(ring_name, reachable_only)
        doubts = self.proof(ring_name, hosts).hosts
        return [host for host in hosts if doubts[host.name]]

    def proof(self, ring_name: str, hosts: Sequence[Host]) -> Proof:
        """Return what proves that *hosts* run what the ring wants, and what troubles each."""
        wanted, reports = self.release.ring(ring_name).wanted, self.reports
        failing = ring.unhealthy(self.consul_hosts, [host.name for host in hosts])
        found = Proof(wanted.version if wanted else "")
        for host in hosts:
            trouble = failing.get(host.name, "")
            found = record_host(found, host.name, reports.get(host.name, SILENT), trouble, self.now)
        return found

    @property
    def rings(self) -> dict[str, str]:
        """The ring of each host in Consul, healthy or not, by node."""
        found: dict[str, str] = {}
        for where in ("", *self.elsewhere):
            found.update(ring.rings(self._hosts_in(where), self.settings.tags(self.project, where)))
        return found

    def refuse_unreached(self, ring_name: str) -> None:
        """Raise Refused when nothing is known of the datacentre that the ring is in."""
        failure, where = self.failure(ring_name), self._datacenter(ring_name)
        if failure:
            raise Refused(
                f"{ring_name} of {self.project.name} is in Consul's datacentre {where}, which "
                f"could not be read: {failure}.",
                "Correct that, then try again. Rings in other datacentres are not affected.",
            )

    def failure(self, ring_name: str) -> str:
        """Return why nothing is known of the datacentre that the ring is in; empty when all is."""
        found = self.elsewhere.get(self._datacenter(ring_name))
        return found.failure if found else ""

    @property
    def unmoved(self) -> List[Operation]:
        """What makes a write fail when the record, or what holds every project, changed since."""
        names = dict.fromkeys((self.project.name, EVERYTHING))
        return [self.unmoved_key(release_key(name)) for name in names]

    def unmoved_key(self, key: str) -> Operation:
        """Return what makes a write fail when *key* changed since."""
        item = self.items.get(key)
        return unchanged(key, int(item["ModifyIndex"]) if item else 0)

    def deploy(self, ring_name: str) -> DeploySettings:
        """Return how the ring is updated."""
        return self.settings.deploy_of(self.project, ring_name)

    def _datacenter(self, ring_name: str) -> str:
        return self.project.lifecycle.stage(ring_name).datacenter

    def _hosts_in(self, where: str) -> list[ConsulHost]:
        return [one for one in self.consul_hosts if one.datacenter == where]

    def _backends(self, ring_name: str) -> list[list[ConsulHost]]:
        used = {name for name, ring in self.release.rings.items() if ring.wanted} | {ring_name}
        rings = self.rings
        where = self._datacenter(ring_name)
        counted = (one for one in self._hosts_in(where) if rings[one.name] in used)
        return ring.backends(counted, ring_name, self.settings.tags(self.project, where))

    def _refuse_cramped(self, ring_name: str, hosts: Sequence[Host]) -> None:
        if self.drainable_hosts(ring_name, hosts):
            return
        counted = {one.name for backend in self._backends(ring_name) for one in backend}
        raise Refused(
            f"Too few of {self.project.name}'s {len(counted)} hosts that serve with {ring_name} are healthy "
            f"to take one out of traffic (`deploy.min_healthy` is {self.deploy(ring_name).min_healthy}).",
            "Add or repair hosts, or lower it, then deploy again.",
        )


def of(
    settings: Settings,
    project: Project,
    items: Items,
    hosts: Sequence[ConsulHost],
    now: float,
    elsewhere: Sequence[Datacenter] = (),
) -> Snapshot:
    """Return the Snapshot of *project* that *items* make; Refused when its record is unreadable."""
    known = _recorded(items, project.name)
    if project.name != EVERYTHING:
        around = _recorded(items, EVERYTHING)
        opened = windows.opened(settings, project, items, now)
        known = record.surrounded(known, around.holds, opened, project.lifecycle)
    everywhere = [*hosts, *(host for found in elsewhere for host in found.hosts)]
    return Snapshot(settings, project, known, items, everywhere, now, {one.name: one for one in elsewhere})


def places(at: Look) -> list[str]:
    """Return where the keys begin that a snapshot for *at* is made of."""
    name = at.project.name
    if name == EVERYTHING:
        return [release_key(name), *at.keys]
    parts = ["lock/", "wanted/", "freeze_windows", *(["hosts/"] if at.hosts and at.reports else [])]
    around = [release_key(EVERYTHING), f"cicd/{EVERYTHING}/freeze_windows"]
    around += [release_key(other) for other in at.project.requires]
    return [
        release_key(name),
        firing.key(name),
        *(f"cicd/{name}/{part}" for part in parts),
        *around,
        *at.keys,
    ]


def release_key(project: str) -> str:
    """Return where the record of *project* is."""
    return f"cicd/{project}/release"


def _recorded(items: Items, project: str) -> Release:
    key = release_key(project)
    if key not in items:
        return Release(project)
    try:
        return record.from_json(document(items, key, StoredRelease))
    except (TypeError, ValueError):
        raise Refused(
            f"The release record of {project} in Consul is not JSON; nothing may be deployed from it.",
            f"Repair the key {key} from cicd/{project}/history.",
        ) from None
