"""What is known of a project at one moment: all that a decision about it is based on, read once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Callable, Container, List, Mapping, Sequence, Type, cast

from cicd import identifiers
from cicd.clients.consul import D, Items, Operation, unchanged
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.release import firing, freeze_windows, host_report, record, ring
from cicd.release.firing import Alarms
from cicd.release.freeze_windows import Opened, Window
from cicd.release.host import ConsulHost, Host
from cicd.release.host_report import SILENT, Reports
from cicd.release.record import DEGRADED, EVERYTHING, HEALTHY, Release
from cicd.release.rollout_record import RolloutRecord, rollout_key
from cicd.release.stored import StoredRelease
from cicd.release.verification import Proof, record_host
from cicd.sections import DeploySettings
from cicd.store import deploy_lock
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
    """

    settings: Settings
    project: Project
    release: Release
    items: Items
    consul_hosts: Sequence[ConsulHost]
    now: float

    def document(self, key: str, shape: Type[D]) -> D:
        """Return the document *key*, which was written in *shape*; an empty one when there is none."""
        return document(self.items, key, shape)

    @property
    def reports(self) -> Reports:
        """What each host reported last, by node."""
        found = self.below(host_report.prefix(self.project.name), host_report.Stored)
        return {node: host_report.parse(stored) for node, stored in found.items()}

    def below(self, prefix: str, shape: Type[D]) -> dict[str, D]:
        """Return the documents below *prefix* that were read, by the rest of their keys."""
        return {key[len(prefix) :]: self.document(key, shape) for key in self.items if key.startswith(prefix)}

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
            return firing.alarms(self.document(key, firing.Memory), self.now, canaries)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refused(
                f"Whether an alarm fires is not known: the key {key} in Consul is unreadable.",
                f"See what fires in the monitoring system, then: consul kv delete {key}",
            ) from None

    def hosts(self, ring_name: str, reachable_only: bool = False) -> list[Host]:
        """Return the ring's hosts; refused when there is none or, unless *reachable_only*, one is down."""
        return ring.members(
            self.consul_hosts,
            self.project.name,
            identifiers.check("ring", ring_name),
            self._tags,
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
        productions, share = self.project.lifecycle.productions, self.deploy(ring_name).max_canaries
        ring.refuse_crowd(self.consul_hosts, name, productions, self._tags, share)
        if self.release.ring(ring_name).state in (HEALTHY, DEGRADED):
            ring.refuse_sick(self.consul_hosts, name, hosts)
        self._refuse_cramped(ring_name, hosts)
        return hosts

    def drainable_hosts(self, ring_name: str, hosts: Sequence[Host]) -> list[Host]:
        """
        Return those of *hosts* that may leave traffic now, for a deploy to *ring_name*.

        A ring that was never wanted to run anything serves nobody, so its hosts do not count.
        """
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
        return ring.rings(self.consul_hosts, self._tags)

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

    @property
    def _tags(self) -> Mapping[str, str]:
        return self.settings.tags(self.project)

    def _backends(self, ring_name: str) -> list[list[ConsulHost]]:
        used = {name for name, ring in self.release.rings.items() if ring.wanted} | {ring_name}
        rings = self.rings
        return ring.backends(
            (one for one in self.consul_hosts if rings[one.name] in used), ring_name, self._tags
        )

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
    settings: Settings, project: Project, items: Items, hosts: Sequence[ConsulHost], now: float
) -> Snapshot:
    """Return the Snapshot of *project* that *items* make; Refused when its record is unreadable."""
    known = _recorded(items, project.name)
    if project.name != EVERYTHING:
        around = _recorded(items, EVERYTHING)
        windows = _windows(settings, project, items, now)
        known = record.surrounded(known, around.holds, windows, project.lifecycle)
    return Snapshot(settings, project, known, items, hosts, now)


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


def document(items: Items, key: str, _: Type[D]) -> D:
    """Return the JSON document *key* among *items*, as it was written; an empty one when there is none."""
    return cast(D, dict(json.loads(items[key]["Value"])) if key in items else {})


def text(items: Items, key: str) -> str:
    """Return the text *key* among *items*."""
    return str(items[key]["Value"], "utf-8", "replace") if key in items else ""


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


def _windows(settings: Settings, project: Project, items: Items, now: float) -> dict[str, Opened]:
    """Return the freeze window that is open on each ring; those of all rings do not concern the first."""
    general = _general_windows(settings, project, items)
    found = {
        stage.name: freeze_windows.opened([*stage.freeze_windows, *(general if stage.after else ())], now)
        for stage in project.lifecycle.stages
    }
    return {name: window for name, window in found.items() if window}


def _general_windows(settings: Settings, project: Project, items: Items) -> list[Window]:
    found = [*settings.freeze_windows, *project.freeze_windows]
    for name in (EVERYTHING, project.name):
        key = f"cicd/{name}/freeze_windows"
        said = text(items, key)
        found += freeze_windows.parse_text(said, key) if said else ()
    return found
