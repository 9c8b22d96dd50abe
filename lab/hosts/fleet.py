"""All hosts of a lab: their disks, their boot, and what they get once they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lab import ports
from lab.consul import agent, encryption
from lab.errors import LabError
from lab.git import server as git
from lab.github import host as github
from lab.haproxy import config as haproxy
from lab.hosts import app, build, common, packages, tools
from lab.hosts.container import Container, escaped
from lab.hosts.tools import Tools
from lab.jenkins import host as jenkins
from lab.places import Places
from lab.progress import together
from lab.repository import driver as repository
from lab.repository import server as web
from lab.repository.driver import Driver
from lab.world import CONSUL_PORT, SSH_PORT, Host, World


@dataclass
class Fleet:
    """The hosts of *world*: *base* is their root filesystem, *build_tools* its layer where code is built."""

    places: Places
    world: World
    tools: Tools
    driver: Driver
    base: Path
    build_tools: Path
    consul: Path
    containers: dict[str, Container] = field(init=False)

    def __post_init__(self) -> None:
        self.containers = {host.name: self._container(host) for host in self.world.hosts}

    @property
    def infra(self) -> Container:
        return self.containers[self.world.infra.name]

    def _container(self, host: Host) -> Container:
        layers = [] if host.role == "app" else [self.build_tools]
        return Container(self.places, host, self.base, self.tools.path, layers)

    def prepare(self) -> None:
        """Write every host's disk."""
        for container in self.containers.values():
            container.prepare()
            common.configure(container, self.places, self.world, self.tools.path)
            agent.configure(container, self.world)
            encryption.configure(container, self.places)
            self._configure_role(container)

    def start(self) -> None:
        """Boot all hosts at once."""
        binds = [f"{escaped(self.consul)}:/usr/local/bin/consul", *map(escaped, self.tools.binds)]
        for container in self.containers.values():
            container.start([*binds, *self._build_binds(container)])

    def provide(self) -> None:
        """Return once every host runs and has what can only be made there: keys, repository, packages."""
        agent_package = packages.build(self.places, packages.AGENT)
        sandbox = packages.build(self.places, packages.SANDBOX)
        together({name: partial(self._wait_booted, c.host) for name, c in self.containers.items()})
        balancer = packages.build(self.places, packages.BALANCER)
        key = repository.make_key(self.infra)
        tasks = {"repository": partial(self._provide_infra, agent_package, balancer)}
        for host in self.world.apps:
            tasks[host.name] = partial(self._provide_app, self.containers[host.name], key, agent_package)
        for host in self.world.builders:
            tasks[host.name] = partial(packages.install, self.containers[host.name], sandbox)
        together(tasks)
        self._wait_services()

    def _build_binds(self, container: Container) -> list[str]:
        return [] if container.host.role == "app" else [f"{escaped(tools.node())}:{tools.NODE}"]

    def _configure_role(self, container: Container) -> None:
        role = container.host.role
        if role == "app":
            app.configure(container, self.places, self.world)
            return
        tools.install_node(container.disk)
        if role == "build":
            common.git_client(container, self.places, self.world, "cicd", "build")
            build.configure(container)
            if self.tools.builder == "nfpm":
                container.disk.copy(tools.nfpm(), "usr/local/bin/nfpm")
        else:
            build.registries(container)
            haproxy.configure(container, self.world)
            self.driver.configure(container)
            web.configure(container, self.world, self.driver.public)
            git.configure(container, self.places)
            jenkins.configure(container, self.places, self.world)
            github.configure(container, self.places, self.world)
            container.disk.copy(tools.act(), "usr/local/bin/act")

    def _wait_booted(self, host: Host) -> None:
        self.containers[host.name].wait_booted()
        ports.wait(host.address, SSH_PORT, f"sshd of {host.name}")
        ports.wait(host.address, CONSUL_PORT, f"Consul of {host.name}")

    def _provide_infra(self, agent_package: Path, balancer: Path) -> None:
        self._publish_first(agent_package)
        packages.install(self.infra, balancer)

    def _publish_first(self, package: Path) -> None:
        """The hosts' own agent is the first package: no publisher starts without one."""
        there = f"/var/tmp/{package.name}"
        self.infra.copy_in(package, there)
        self.driver.publish_first(self.infra, there)

    def _provide_app(self, container: Container, key: str, package: Path) -> None:
        web.trust(container, key)
        packages.install(container, package)

    def _wait_services(self) -> None:
        address = self.world.infra.address
        for port, what in ((8000, "HAProxy"), (8080, "Jenkins"), (8081, "nginx"), (8082, "GitHub's API")):
            ports.wait(address, port, what)
        agent.wait_alive(address, {host.name for host in self.world.hosts})


def base_of(places: Places) -> Path:
    """Return the root filesystem that the running lab's hosts were made from."""
    try:
        return Path((places.root / "base").read_text())
    except FileNotFoundError:
        raise LabError("No lab is up.", "Start one: make lab") from None
