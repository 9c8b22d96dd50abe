"""The Consul agent of a host: its configuration and its unit."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from lab.errors import LabError
from lab.hosts.container import Container
from lab.project import FIRST, Project
from lab.world import WAN_PORT, Host, World

DATACENTER = "lab"
UNIT = """[Unit]
Description=Consul agent
After=network.target

[Service]
User=consul
ExecStart=/usr/local/bin/consul agent -config-dir=/etc/consul.d
KillSignal=SIGINT
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def configure(container: Container, world: World) -> None:
    """Give the host its agent; infra1's is the cluster's server."""
    disk = container.disk
    disk.write("etc/consul.d/agent.json", json.dumps(agent(container.host, world), indent=2))
    disk.write("etc/consul.d/services.json", json.dumps({"services": services(container.host)}, indent=2))
    disk.folder("var/lib/consul", owner="consul")
    disk.unit("consul.service", UNIT)


def alive(address: str) -> set[str]:
    """Return the names of the nodes that the server at *address* sees alive; none before it has a leader."""
    url = f"http://{address}:8500/v1/health/state/passing"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            checks = json.load(response)
    except (OSError, ValueError):
        return set()
    return {check["Node"] for check in checks if check["CheckID"] == "serfHealth"}


def wait_alive(address: str, names: set[str], seconds: float = 30.0) -> None:
    """Return once the server at *address* sees the hosts *names* alive; LabError says which it does not."""
    deadline = time.monotonic() + seconds
    while missing := names - alive(address):
        if time.monotonic() > deadline:
            raise LabError(f"Consul does not see {', '.join(sorted(missing))}.", "See the hosts' logs.")
        time.sleep(0.1)


def agent(host: Host, world: World) -> dict[str, Any]:
    """Return the agent's configuration."""
    common = {
        "node_name": host.name,
        "datacenter": DATACENTER,
        "data_dir": "/var/lib/consul",
        "bind_addr": host.address,
        "client_addr": host.address,
        "ports": {"serf_wan": -1, "grpc": -1},
        "performance": {"raft_multiplier": 1},
        "dns_config": {"service_ttl": {"*": "0s"}, "only_passing": True},
        "check_update_interval": "0s",
        # The default of 30 s: a host that comes up before the server would be missing for that long.
        "retry_interval": "300ms",
        # Leaving politely makes stopping slow, and a host that is switched off does not leave.
        "leave_on_terminate": False,
        "disable_update_check": True,
        "log_level": "WARN",
    }
    if host == world.infra:
        ports = {"serf_wan": WAN_PORT, "grpc": -1}
        return {**common, "server": True, "bootstrap_expect": 1, "ports": ports}
    return {**common, "server": False, "retry_join": [world.infra.address]}


def services(host: Host) -> list[dict[str, Any]]:
    """Return the services that *host* offers."""
    if host.role == "infra":
        return [{"id": "apt", "name": "apt", "tags": ["publish"], "address": host.address}]
    if host.role == "build":
        return [{"id": "build", "name": "build", "tags": ["package"], "address": host.address}]
    return [_service(host, FIRST)]


def register(host: Host, project: Project) -> None:
    """Let the running host's agent offer *project*, also after a restart."""
    service = _service(host, project)
    # The API calls a check's id otherwise than the configuration does.
    checks = [{"checkid": check.pop("id"), **check} for check in service["checks"]]
    body = json.dumps({**service, "checks": checks}).encode()
    url = f"http://{host.address}:8500/v1/agent/service/register"
    try:
        urllib.request.urlopen(urllib.request.Request(url, body, method="PUT"), timeout=10).close()
    except OSError as error:
        raise LabError(
            f"Consul on {host.name} did not take {project.name} ({error}).", "See its log."
        ) from None


def _service(host: Host, project: Project) -> dict[str, Any]:
    canary = [project.canary_tag] if host.ring == "canary" else []
    check = {
        "id": f"{project.name}:health",
        "name": f"{project.name} answers",
        "http": f"http://{host.address}:{project.port}/health",
        "interval": "1s",
        "timeout": "5s",  # a machine that is busy with other things answers late
    }
    return {
        "id": project.name,
        "name": project.name,
        "tags": [project.tag, *canary],
        "address": host.address,
        "port": project.port,
        "checks": [check],
    }
