"""A machine becomes a host: it joins, Consul sees it, it brings itself to the version of its ring."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Callable

from cicd.config import Settings
from cicd.errors import ConsulError, HostError, ProviderError
from cicd.machines import drivers
from cicd.machines.driver import GONE, STOPPED, Machine
from cicd.provisioning.record import READY, MachineRecord
from cicd.provisioning.registry import Registry
from cicd.release.host_report import SILENT, HostReport
from cicd.sanitize import one_line
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

POLL_SECONDS = 3.0
LOOK_SECONDS = 15.0  # between two questions to the provider
LOG = "/var/log/cloud-init-output.log"


@dataclass
class Newcomer:
    """The machine *name*, from its order until it serves."""

    settings: Settings
    name: str
    cancelled: Callable[[], bool] = lambda: False
    _said: str = ""
    _asked: float = field(default=0.0)

    def until_ready(self) -> str:
        """Return the version that it serves, once it does; HostError says how far it came otherwise."""
        patient_until = time.monotonic() + self.settings.machines.ready_seconds
        while True:
            try:
                version = self._looked()
            except ConsulError as error:  # the machine goes on without us, and so may Consul
                if time.monotonic() > patient_until:
                    raise
                version = None
                self._say(error.message)
            if version is not None:
                return version
            time.sleep(POLL_SECONDS)

    def _looked(self) -> str | None:
        """Return the version that it serves; None while it may yet come to serve."""
        registry = Registry(self.settings)
        known = registry.see_to(self.name)
        limit = known["at"] + self.settings.machines.ready_seconds
        known = self.introduced(known)
        stage, version = self.stage(known)
        if known["state"] == READY:  # this workflow again, after it succeeded
            return version
        if version:
            registry.ready(self.name)
            return version
        self._say(stage)
        self._refuse_hopeless(registry, known)
        if time.time() > limit:
            raise self._failed(f"does not serve after {self.settings.machines.ready_seconds} s: {stage}")
        return None

    def introduced(self, known: MachineRecord) -> MachineRecord:
        """Keep the host keys of the machine, once it said them itself, and return what is *known* then."""
        registry = Registry(self.settings)
        join = None if known.get("host_keys") else registry.joined(known)
        if not join:
            return known
        own = MachineRecord(host_keys=join["host_keys"], address=join["address"])
        return registry.see_to(self.name, lambda before: {**before, **own})

    def stage(self, known: MachineRecord) -> tuple[str, str]:
        """Return how far it came in words, and the version that it serves, if it does."""
        if not known.get("host_keys"):
            return "it has not joined yet", ""
        project, ring = self.settings.project(known["project"]), known["ring"]
        seen = Store(self.settings).look(Look(project))
        host = next((one.host() for one in seen.consul_hosts if one.name == self.name), None)
        if host is None:
            return f"it joined from {known['address']}, and Consul does not have its {project.name} yet", ""
        proof = seen.proof(ring, [host])
        doubt = proof.hosts[self.name]
        return (f"{doubt}{_reported(seen, self.name)}", "") if doubt else ("", proof.version)

    def _refuse_hopeless(self, registry: Registry, known: MachineRecord) -> None:
        """Raise HostError when the machine will never serve."""
        if self.cancelled():
            raise self._failed("is not waited for any more: the workflow was cancelled")
        failure = registry.failure(known)
        if failure:
            raise self._failed(f"failed at joining: {one_line(failure, 500)}")
        if time.monotonic() - self._asked > LOOK_SECONDS:
            self._asked = time.monotonic()
            with suppress(ProviderError):  # it is asked again in a while, and the machine may well come
                self._refuse_dead(drivers.of(self.settings, known["provider"]).find(self.name))

    def _refuse_dead(self, machine: Machine | None) -> None:
        if machine is None or machine.state in (GONE, STOPPED):
            why = f"{machine.state} ({one_line(machine.reason, 200)})" if machine else "not there any more"
            raise self._failed(f"is {why} at its provider")

    def _failed(self, what: str) -> HostError:
        hint = f"What it did is in {LOG} on it, as long as it is there. Correct that, then provision again."
        return HostError(f"{self.name} {what}.", hint, host=self.name)

    def _say(self, stage: str) -> None:
        if stage != self._said:
            self._said = stage
            sys.stdout.write(f"{self.name}: {one_line(stage, 300)}\n")
            sys.stdout.flush()


def _reported(seen: Snapshot, name: str) -> str:
    report: HostReport = seen.reports.get(name, SILENT)
    said = one_line(f"{report.code}: {report.message} {report.log}", 500) if report.message else ""
    return f" (it reports {said})" if said else ""
