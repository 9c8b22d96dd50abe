"""A machine is ordered: all that could refuse it is asked, and it is written down before it is made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Mapping

from cicd import identifiers
from cicd.clients.consul import text
from cicd.config import Settings
from cicd.errors import Refused
from cicd.machines import drivers, gateway_door
from cicd.machines.limits import refuse_too_many
from cicd.machines.naming import machine_name
from cicd.provisioning import asked, join_token, site_files, user_data
from cicd.provisioning.record import LEAVING, ORDERED, MachineRecord
from cicd.provisioning.registry import Registry
from cicd.release import ring as rings
from cicd.release.host import ConsulHost
from cicd.sanitize import one_line
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store


@dataclass(frozen=True)
class Ordering:
    """A machine that *who* wants of *provider* for *ring* of *project*, in *execution*."""

    settings: Settings
    project: str
    ring: str
    provider: str
    who: str
    execution: str

    def order(self) -> str:
        """Write down the machine, and return its name; Refused or ConfigError, with nothing written, else."""
        registry, name = Registry(self.settings), machine_name(self.project, self.ring, self.execution)
        known = registry.find(name) or MachineRecord()
        if known.get("state") == LEAVING:
            raise Refused(f"{name} is being destroyed.", "Run it again when that is done.")
        if known:  # this execution again, after a step of it was killed
            return name
        self._refuse_unprepared(name)
        hosts = self._refuse_unfit()
        self._refuse_too_many(registry, name, hosts)
        registry.begin(name, self._record())
        try:
            self._refuse_too_many(registry, name, hosts)  # two that come at once see each other now
        except Refused:
            registry.forget(name)
            raise
        return name

    def _record(self) -> MachineRecord:
        return MachineRecord(
            state=ORDERED,
            project=self.project,
            ring=self.ring,
            provider=self.settings.machines.provider(self.provider).name,
            who=one_line(self.who, 100),
            at=time.time(),
            execution=self.execution,
        )

    def _refuse_unprepared(self, name: str) -> None:
        self.settings.machines.provider(self.provider)
        asked.host(self.settings, self.project, identifiers.check("ring", self.ring), name)
        list(site_files.read(self.settings.machines.files_dir))
        trial = user_data.text(self.settings, name, join_token.new())
        drivers.order(self.settings, self.provider, name, self.project, self.ring, trial)
        gateway_door.refuse_closed(self.settings)

    def _refuse_unfit(self) -> Snapshot:
        """Return what is known of the project, whose ring may get a host."""
        project = self.settings.project(self.project)
        stage = project.lifecycle.stage(self.ring)
        if stage.datacenter:
            raise Refused(
                f"{self.ring} of {self.project} is in Consul's datacentre {stage.datacenter}.",
                "New machines join the one with the record: prepare this host with configuration management.",
            )
        seen = Store(self.settings).look(Look(project, reports=False))
        self._refuse_idle(seen)
        return seen

    def _refuse_idle(self, seen: Snapshot) -> None:
        """Raise Refused when a new host, which obeys this document, would not go to the ring's version."""
        lines = text(seen.items, f"cicd/{self.project}/wanted/{self.ring}").splitlines()
        said = dict(line.partition("=")[::2] for line in lines)
        what = f"{self.ring} of {self.project}"
        if not said.get("version"):
            raise Refused(
                f"Nothing is wanted on {what}: a new host would serve nothing.", "Deploy to it first."
            )
        if said.get("hold"):
            raise Refused(
                f"{what} is under a {said['hold']}: a new host would not install anything.",
                f"End it first; see: st2 run cicd.get_release project={self.project}",
            )
        if said.get("rollout") != "open":
            raise Refused(
                f"{what} is being deployed to: a new host would wait.", "Wait for it, then try again."
            )

    def _refuse_too_many(self, registry: Registry, name: str, seen: Snapshot) -> None:
        others = {one: known for one, known in registry.every().items() if one != name}
        present = {one: known.get("ring", "") for one, known in others.items()}
        refuse_too_many(self.settings.machines, present, name, self.ring)
        hosts = {one.name for one in seen.consul_hosts}
        coming = {
            one: known["ring"]
            for one, known in others.items()
            if known["project"] == self.project and known["state"] == ORDERED and one not in hosts
        }
        self._refuse_crowd(seen, {**coming, name: self.ring})

    def _refuse_crowd(self, seen: Snapshot, coming: Mapping[str, str]) -> None:
        """Raise Refused when too many would be canaries once the machines that are *coming* are hosts."""
        project = seen.project
        tags = self.settings.tags(project)
        new = [_host(one, [self.settings.tag(project), tags.get(ring, "")]) for one, ring in coming.items()]
        share = seen.deploy(self.ring).max_canaries
        found = [*seen.consul_hosts, *new]
        rings.refuse_crowd(found, self.project, project.lifecycle.productions, tags, share)


def _host(name: str, tags: list[str]) -> ConsulHost:
    return ConsulHost(name, "", tuple(filter(None, tags)), (), {}, "", "", 0)
