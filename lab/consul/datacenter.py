"""Hosts of a running lab in a Consul datacentre of their own, which is joined with the lab's; and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence

from lab.consul import agent, binary, encryption
from lab.hosts.container import Container
from lab.places import Places
from lab.world import WAN_PORT, World

# What was registered with the agent stays; members and keys are the other datacentre's.
BEGIN_ANEW = """systemctl stop consul.service
find /var/lib/consul -mindepth 1 -maxdepth 1 ! -name services ! -name checks -exec rm -rf {} +
systemctl start consul.service"""


def move(places: Places, world: World, name: str, containers: Sequence[Container]) -> None:
    """
    Move the hosts of *containers* to the datacentre *name*, and return once its first host leads it.

    The first host has its server, unless *name* is the lab's own datacentre.
    """
    server = world.infra.address if name == agent.DATACENTER else containers[0].host.address
    for container in containers:
        _certify(places, name, container)
        settings = {**agent.agent(container.host, world), **_part(name, container, server, world)}
        container.write("/etc/consul.d/agent.json", json.dumps(settings, indent=2))
        container.run("sh", "-ec", BEGIN_ANEW)
    agent.wait_alive(server, {container.host.name for container in containers})


def _part(name: str, container: Container, server: str, world: World) -> dict[str, object]:
    """Return what is different for an agent in the datacentre *name*."""
    if container.host.address != server:
        return {"datacenter": name, "retry_join": [server]}
    own = agent.agent(world.infra, world)
    as_server = {key: own[key] for key in ("server", "bootstrap_expect", "ports")}
    wan = {"retry_join_wan": [f"{world.infra.address}:{WAN_PORT}"], "retry_interval_wan": "300ms"}
    return {"datacenter": name, **as_server, "retry_join": [], **wan}


def _certify(places: Places, name: str, container: Container) -> None:
    """Give the host a certificate of *name*: a server is only believed with one of its own datacentre."""
    folder = places.secrets / "consul" / container.host.name
    shutil.rmtree(folder)
    encryption.certify(folder.parent, container.host, name, binary.find(places))
    for target, text in encryption.certificate(folder).items():
        container.write(target, text)
