"""The lab's map: which host has which role and address."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from lab.errors import LabError

SSH_PORT = 2222
CONSUL_PORT = 8501
WAN_PORT = 8302  # where servers of datacentres join
REPOSITORY = "acme/greeter"
PROJECT = "greeter"
ROLE = "app"
DISTRIBUTION = "bookworm"
COMPONENT = "main"
CANARY_HEADER = "X-Canary"
CANARIES = 2
MOST_APPS = 100


@dataclass(frozen=True)
class Host:
    """One host: *role* is infra, build or app; only app hosts are in a *ring*."""

    name: str
    role: str
    ring: str | None
    address: str


def app_hosts() -> int:
    """Return how many app hosts a lab has: LAB_APPS, or 5."""
    text = os.environ.get("LAB_APPS") or "5"
    if not text.isdigit() or not CANARIES < int(text) <= MOST_APPS:
        raise LabError(f"LAB_APPS is {text!r}.", f"Give a number from {CANARIES + 1} to {MOST_APPS}.")
    return int(text)


@dataclass(frozen=True)
class World:
    """All hosts of a lab on one /24 of the loopback network, such as 127.77.0."""

    network: str

    @classmethod
    def from_environment(cls) -> World:
        """Return the world on LAB_NETWORK, or on 127.77.0."""
        network = os.environ.get("LAB_NETWORK") or "127.77.0"
        if not re.fullmatch(r"127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){2}", network):
            raise LabError(
                f"LAB_NETWORK is {network!r}, which is not a loopback network.",
                "Give its first three numbers, such as 127.78.0.",
            )
        return cls(network)

    @property
    def control(self) -> str:
        """The address of what runs on the machine itself."""
        return f"{self.network}.1"

    @property
    def infra(self) -> Host:
        return Host("infra1", "infra", None, f"{self.network}.10")

    @property
    def builders(self) -> list[Host]:
        return [Host(f"build{n}", "build", None, f"{self.network}.{10 + n}") for n in (1, 2)]

    @property
    def apps(self) -> list[Host]:
        rings = ["canary"] * CANARIES + ["production"] * (app_hosts() - CANARIES)
        return [
            Host(f"web{number}", "app", ring, f"{self.network}.{20 + number}")
            for number, ring in enumerate(rings, 1)
        ]

    @property
    def hosts(self) -> list[Host]:
        return [self.infra, *self.builders, *self.apps]

    def host(self, name: str) -> Host:
        """Return the host called *name*."""
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise LabError(f"The lab has no host {name}.", f"It has {names}.")

    @property
    def git_url(self) -> str:
        return self.clone_url(REPOSITORY)

    def clone_url(self, repository: str) -> str:
        """Return how to clone *repository*, owner/name."""
        return f"ssh://git@{self.infra.address}:{SSH_PORT}/srv/git/{repository}.git"

    @property
    def consul_url(self) -> str:
        return f"https://{self.infra.address}:{CONSUL_PORT}"

    @property
    def plain_consul_url(self) -> str:
        """Where who only looks asks, past the certificates; it is on loopback, as all of a lab."""
        return f"http://{self.infra.address}:8500"

    @property
    def haproxy_url(self) -> str:
        return f"http://{self.infra.address}:8000"

    @property
    def statistics_url(self) -> str:
        """HAProxy's page."""
        return f"http://{self.infra.address}:8404/"

    @property
    def repository_url(self) -> str:
        return f"http://{self.infra.address}:8081"

    @property
    def jenkins_url(self) -> str:
        return f"http://{self.infra.address}:8080"

    @property
    def github_url(self) -> str:
        return f"http://{self.infra.address}:8082"

    @property
    def gateway_url(self) -> str:
        return f"http://{self.control}:9110"

    @property
    def status_url(self) -> str:
        return f"http://{self.control}:9120"

    def listeners(self, with_stackstorm: bool = True) -> list[tuple[str, int]]:
        """Return every address and TCP port that a lab listens on."""
        common = {host.address: [SSH_PORT, 8301, 8500, CONSUL_PORT, 8600] for host in self.hosts}
        common[self.infra.address] += [8000, 8080, 8081, 8082, 8300, WAN_PORT, 8404]
        for host in self.apps:
            common[host.address].append(8080)
        common[self.control] = [9110, 9120, *([9100, 9101, 9102] if with_stackstorm else [])]
        return [(address, port) for address, ports in common.items() for port in ports]
