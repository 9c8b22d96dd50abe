"""What tests of several folders need: a Consul of their own."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
import requests

from lab.consul import binary
from lab.places import Places


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Consul server of our own, in memory."""
    port, folder = free_port(), tmp_path_factory.mktemp("consul")
    ports = {name: -1 for name in ("dns", "grpc", "serf_wan", "https")}
    ports |= {"http": port, "serf_lan": free_port(), "server": free_port()}
    (folder / "config.json").write_text(json.dumps({"ports": ports}))
    command = [str(binary.find(Places.from_environment())), "agent", "-dev", "-bind", "127.0.0.1"]
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen([*command, "-config-file", folder / "config.json"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_leader(url)
        yield url
    finally:
        agent.terminate()
        agent.wait(20)


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
