"""Machines that stand ready: each says itself, over SSH, what it is taken for."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping

from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import ConfigError, HostError, HostLost, ProviderBusy, ProviderError, ProviderSilent
from cicd.machine_providers import Provider
from cicd.machines.driver import PROJECT_TAG, RUNNING, SITE_TAG, STARTING, Driver, Machine, Order, seen
from cicd.release.host import Host
from cicd.release.version import package_name

SECONDS = 60
REMOVAL_SECONDS = 300
AT_WORK = ("active", "activating")
MORE = "Retire a host, or add an address to `machines.providers.{}.addresses`."
AWAY = "Start it, or take its address out of `machines.providers.{}.addresses`."


@dataclass(frozen=True)
class Taken:
    """What the machine at *address* is taken for: the `name` and `tags` of an order, at (epoch seconds)."""

    address: str
    name: str
    tags: Mapping[str, str]
    at: float
    is_booting: bool


class Existing(Driver):
    """The machines at the addresses of *provider*, as their administrator in *settings* sees them."""

    def __init__(self, settings: Settings, provider: Provider) -> None:
        own = settings.administration
        if not own.ssh_key_file:
            raise ConfigError(
                f"`administration.ssh_key_file` is missing, by which {provider.name} is reached.",
                "Set it in the pack's configuration, see docs/machines.md.",
            )
        login = replace(settings.ssh, user=own.ssh_user, private_key_file=own.ssh_key_file)
        self._settings = replace(settings, ssh=login)
        self._provider = provider

    def list(self) -> List[Machine]:
        return self._ours(self._taken())

    def named(self, name: str) -> List[Machine]:
        return [machine for machine in self.list() if machine.name == name]

    def make(self, order: Order) -> Machine:
        for address, taken in self._taken().items():
            if taken is None and self._take(address, order):
                return Machine(address, order.name, address, STARTING, time.time())
        count = len(self._provider.addresses)
        raise ProviderError(
            f"{order.name} was not made: all {count} machines of {self._provider.name} are taken.",
            MORE.format(self._provider.name),
        )

    def remove(self, machine: Machine) -> None:
        taken = self._taken_for(machine.identifier)
        if taken and taken.name == machine.name:
            project = taken.tags.get(PROJECT_TAG, "")
            self._run(machine.identifier, "free_machine", [project, package_name(project)], REMOVAL_SECONDS)

    def check(self) -> str:
        taken = self._taken()
        free = sum(one is None for one in taken.values())
        return f"{seen(self._settings.machines.site, self._ours(taken))}; {free} are free"

    def _ours(self, taken: Mapping[str, Taken | None]) -> List[Machine]:
        site = self._settings.machines.site
        return [_machine(one) for one in taken.values() if one and one.tags.get(SITE_TAG) == site]

    def _taken(self) -> Dict[str, Taken | None]:
        """Return what each machine is taken for, by its address; None for a free one."""
        with ThreadPoolExecutor(self._settings.ssh.parallel) as pool:
            found = pool.map(self._taken_for, self._provider.addresses)
            return dict(zip(self._provider.addresses, found))

    def _taken_for(self, address: str) -> Taken | None:
        lines = self._run(address, "see_machine", [], SECONDS).splitlines()
        if not lines:
            return None
        try:
            order = json.loads(lines[0])
            return Taken(
                address, str(order["name"]), dict(order["tags"]), float(order["at"]), lines[-1] in AT_WORK
            )
        except (ValueError, KeyError, TypeError):
            raise ProviderError(
                f"The machine {address} has something else in /var/lib/cicd-machine/order.",
                "Look at it there, and remove it.",
            ) from None

    def _take(self, address: str, order: Order) -> bool:
        """Take the machine, and return whether it was free."""
        meta = {"instance-id": order.name, "local-hostname": order.name, "local-ipv4": address}
        claim = {"name": order.name, "tags": dict(order.tags), "at": time.time()}
        texts = {"order": json.dumps(claim), "meta-data": json.dumps(meta), "user-data": order.user_data}
        try:
            with Shell(self._settings, Host(address, address)) as shell:
                folder = shell.script("make_folder", [], SECONDS).strip()
                for file, text in texts.items():
                    shell.put(text, f"{folder}/{file}")
                return shell.script("take_machine", [folder], SECONDS).strip().endswith("free")
        except HostLost as error:
            raise ProviderSilent(error.message, error.hint) from None
        except HostError as error:
            raise ProviderError(error.message, error.hint) from None

    def _run(self, address: str, script: str, arguments: List[str], seconds: int) -> str:
        try:
            with Shell(self._settings, Host(address, address)) as shell:
                return shell.script(script, arguments, seconds)
        except HostLost as error:
            raise ProviderBusy(error.message, AWAY.format(self._provider.name)) from None
        except HostError as error:
            raise ProviderError(error.message, error.hint) from None


def _machine(taken: Taken) -> Machine:
    state = STARTING if taken.is_booting else RUNNING
    return Machine(taken.address, taken.name, taken.address, state, taken.at)
