"""What tests of several folders need: a Consul of their own."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from lab.consul import binary
from lab.places import Places


def pytest_configure(config: pytest.Config) -> None:
    """Time says nothing about what is right; and what tests start shall compile its modules once."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from hypothesis import HealthCheck, settings

        settings.register_profile("cicd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.load_profile("cicd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, connections: int = 200) -> Iterator[str]:
    """Run a Consul server of our own, in memory, that takes so many *connections*, and give its URL."""
    with agent(folder, limits={"http_max_conns_per_client": connections}) as (url, _):
        yield url


@contextmanager
def agent(
    folder: Path, wan: int = -1, also: Sequence[Path] = (), **settings: object
) -> Iterator[tuple[str, subprocess.Popen]]:
    """
    Run a Consul server in memory with *settings*, and those of the files *also*; give its URL and process.

    Servers of other datacentres join on port *wan*.
    """
    port = free_port()
    ports = {"http": port, "serf_lan": free_port(), "server": free_port(), "serf_wan": wan}
    ports |= {name: -1 for name in ("dns", "grpc", "https")}
    (folder / "config.json").write_text(json.dumps({"ports": ports, "log_level": "WARN", **settings}))
    command = [str(binary.find(Places.from_environment())), "agent", "-dev", "-bind", "127.0.0.1"]
    files = [word for file in (folder / "config.json", *also) for word in ("-config-file", str(file))]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, *files], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_leader(url)
        yield url, process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def one_consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("consul")) as url:
        yield url


@pytest.fixture(scope="module")
def consul(one_consul: str) -> Iterator[str]:
    """The URL of a Consul that knows nothing but its own node."""
    yield one_consul
    forget_everything(one_consul)


def forget_everything(url: str) -> None:
    """Take from Consul what a module's tests left there: it would be another's host or release."""
    for service in requests.get(f"{url}/v1/agent/services", timeout=10).json():
        put(url, f"agent/service/deregister/{service}")
    own = requests.get(f"{url}/v1/agent/self", timeout=10).json()["Config"]["NodeName"]
    for node in requests.get(f"{url}/v1/catalog/nodes", timeout=10).json():
        if node["Node"] != own:
            put(url, "catalog/deregister", {"Node": node["Node"]})
    for session in requests.get(f"{url}/v1/session/list", timeout=10).json():
        put(url, f"session/destroy/{session['ID']}")
    requests.delete(f"{url}/v1/kv/?recurse", timeout=10).raise_for_status()


def put(url: str, path: str, body: dict[str, str] | None = None) -> None:
    requests.put(f"{url}/v1/{path}", json=body, timeout=10).raise_for_status()


def wait_for_leader(url: str) -> None:
    deadline = time.monotonic() + 60
    while not has_leader(url):
        assert time.monotonic() < deadline, f"{url} has no leader"
        time.sleep(0.1)


def has_leader(url: str) -> bool:
    try:
        return bool(requests.get(f"{url}/v1/status/leader", timeout=5).json())
    except (requests.RequestException, ValueError):
        return False
