"""A host leaves its rings for ever: refused while too few others serve, drained, then forgotten."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import CicdError, HostError, HostLost, InputError, Refused
from cicd.onboarding import host_files
from cicd.provisioning.attended import attended
from cicd.provisioning.record import LEAVING, MachineRecord
from cicd.provisioning.registry import Registry
from cicd.provisioning.removing import forget_host, removed
from cicd.release.host import ConsulHost, Host
from cicd.release.record import DEPLOYING, RESTORING
from cicd.sanitize import one_line
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

LEAVE = ("sudo", "-n", "/usr/bin/cicd-converge", "--leave")


@dataclass(frozen=True)
class Retirement:
    """The host *name*, which *who* retires; with *force* also when too few others serve, or it is dead."""

    settings: Settings
    name: str
    who: str
    force: bool = False
    execution: str = ""

    def drain(self) -> List[str]:
        """Take the host out of traffic for good, and return its projects; nothing is changed when refused."""
        places = self._places()
        is_machine = Registry(self.settings).find(self.name) is not None
        if not places and not is_machine:
            raise InputError(f"Consul has no host {self.name} of any project.", "Name its node in Consul.")
        if not is_machine and not self.settings.administration.ssh_key_file:
            raise Refused(
                f"{self.name} was not made by this pack, and nothing may change its files.",
                "Set `administration.ssh_key_file`, or take it out by configuration management.",
            )
        self._refuse_needed(places)
        with self._alone(places):
            self._refuse_needed(self._places())  # another one may have left just before
            with self._leaving() if is_machine else nullcontext():
                for project, seen in places.items():
                    self._leave(project, self._host(seen))
        return list(places)

    @contextmanager
    def _alone(self, places: Mapping[str, Snapshot]) -> Iterator[None]:
        """Keep deploys, and others that retire a host of the same rings, away; by force nobody is asked."""
        holder = Holder(self.who, f"retires {self.name}", self.execution, time.time())
        rings = {project: seen.rings[self.name] for project, seen in places.items()}
        with ExitStack() as stack:
            for project, ring in rings.items() if not self.force else ():
                if ring:
                    lock = Lock(self.settings, project, ring)
                    session = lock.acquire(holder)
                    stack.callback(lock.release, session)
                    stack.enter_context(lock.renewed(session))
            yield

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """Write down that the machine leaves; one that does not get out of traffic stays what it was."""
        registry = Registry(self.settings)
        before = registry.find(self.name) or MachineRecord()
        registry.write(self.name, lambda known: {**known, "state": LEAVING})
        try:
            with attended(self.settings, self.name):
                yield
        except CicdError:
            registry.write(self.name, lambda known: {**known, "state": before["state"]})
            raise

    def remove(self) -> str:
        """Leave nothing of the host where the pack made it; return in words what became of the machine."""
        known = Registry(self.settings).find(self.name)
        if known and known["state"] != LEAVING:
            raise Refused(
                f"{self.name} was not drained.", f"Retire it: st2 run cicd.retire_host host={self.name}"
            )
        if known:
            removed(self.settings, self.name, self.who, self.force)
            return self._gone(known["provider"])
        places = self._places()
        for project, seen in places.items():
            self._deregister(project, self._host(seen).host())
        forget_host(self.settings, self.name, list(places), self.who, keep_node=True)
        return f"{self.name} is out of its rings. The machine itself stays, since this pack did not make it."

    def _gone(self, provider: str) -> str:
        if provider in self.settings.machines.providers:
            return f"{self.name} is destroyed, and nothing is left of it."
        return f"{self.name} is out of its rings. Its machine stays at {provider}, which is not configured."

    def _places(self) -> Dict[str, Snapshot]:
        """Return what is known of each project that Consul has on the host."""
        identifiers.check("host", self.name)
        store = Store(self.settings)
        looks = {name: store.look(Look(one, reports=False)) for name, one in self.settings.projects.items()}
        return {name: seen for name, seen in looks.items() if self.name in seen.rings}

    def _host(self, seen: Snapshot) -> ConsulHost:
        return next(one for one in seen.consul_hosts if one.name == self.name)

    def _refuse_needed(self, places: Mapping[str, Snapshot]) -> None:
        for seen in places.values():
            self._refuse_needed_of(seen)

    def _refuse_needed_of(self, seen: Snapshot) -> None:
        ring, project = seen.rings[self.name], seen.project.name
        if not ring or self.force:
            return
        what = f"{self.name} is needed: {ring} of {project}"
        anyway = f"If that is meant: st2 run cicd.retire_host host={self.name} force=true"
        if list(seen.rings.values()).count(ring) == 1:
            raise Refused(f"{what} would have no host.", anyway)
        if seen.release.ring(ring).state in (DEPLOYING, RESTORING):
            raise Refused(f"{what} is being deployed to.", f"Wait for its end. {anyway}")
        if not seen.drainable_hosts(ring, [self._host(seen).host()]):
            share = seen.deploy(ring).min_healthy
            raise Refused(
                f"{what} would have too few healthy hosts (`deploy.min_healthy` is {share}).", anyway
            )

    def _leave(self, project: str, host: ConsulHost) -> None:
        """Let the host itself leave traffic and wait for its clients; a dead one has none."""
        try:
            with Shell(self.settings, host.host()) as shell:
                done = shell.run(
                    [*LEAVE, project], self.settings.deploy.host_timeout, "cicd-converge --leave"
                )
        except HostLost:
            if self.force or not host.is_reached:
                return
            raise
        if done.code != 0:
            said = one_line(done.stderr or done.stdout, 300)
            raise HostError(
                f"{self.name} did not leave traffic: {said}",
                "Correct that on the host; a usage message means that its cicd-converge is older.",
            )

    def _deregister(self, project: str, host: Host) -> None:
        try:
            host_files.remove(self.settings, self.settings.project(project), host)
        except HostLost:
            if not self.force:
                raise
