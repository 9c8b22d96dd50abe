"""A host leaves its rings for ever: refused while too few others serve, drained, then forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import HostError, HostLost, InputError, Refused
from cicd.onboarding import host_files
from cicd.provisioning.record import LEAVING
from cicd.provisioning.registry import Registry
from cicd.provisioning.removing import forget_host, removed
from cicd.release.host import ConsulHost, Host
from cicd.release.record import DEPLOYING, RESTORING
from cicd.sanitize import one_line
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

    def drain(self) -> List[str]:
        """Take the host out of traffic for good, and return its projects; nothing is changed when refused."""
        registry, places = Registry(self.settings), self._places()
        is_machine = registry.find(self.name) is not None
        if not places and not is_machine:
            raise InputError(f"Consul has no host {self.name} of any project.", "Name its node in Consul.")
        if not is_machine and not self.settings.administration.ssh_key_file:
            raise Refused(
                f"{self.name} was not made by this pack, and nothing may change its files.",
                "Set `administration.ssh_key_file`, or take it out by configuration management.",
            )
        for seen in places.values():
            self._refuse_needed(seen)
        if is_machine:
            registry.write(self.name, lambda before: {**before, "state": LEAVING})
        for project, seen in places.items():
            self._leave(project, self._host(seen))
        return list(places)

    def remove(self) -> str:
        """Leave nothing of the host where the pack made it; return in words what became of the machine."""
        known = Registry(self.settings).find(self.name)
        if known and known["state"] != LEAVING:
            raise Refused(
                f"{self.name} was not drained.", f"Retire it: st2 run cicd.retire_host host={self.name}"
            )
        if known:
            removed(self.settings, self.name, self.who)
            return f"{self.name} is destroyed, and nothing is left of it."
        places = self._places()
        for project, seen in places.items():
            self._deregister(project, self._host(seen).host())
        forget_host(self.settings, self.name, list(places), self.who, keep_node=True)
        return f"{self.name} is out of its rings. The machine itself stays, since this pack did not make it."

    def _places(self) -> Dict[str, Snapshot]:
        """Return what is known of each project that Consul has on the host."""
        identifiers.check("host", self.name)
        store = Store(self.settings)
        looks = {name: store.look(Look(one, reports=False)) for name, one in self.settings.projects.items()}
        return {name: seen for name, seen in looks.items() if self.name in seen.rings}

    def _host(self, seen: Snapshot) -> ConsulHost:
        return next(one for one in seen.consul_hosts if one.name == self.name)

    def _refuse_needed(self, seen: Snapshot) -> None:
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
