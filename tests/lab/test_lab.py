"""A whole lab of its own, on other addresses than the usual one: up, half dead, down. Needs root."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from lab import cgroups, ports, processes
from lab.base import layer, rootfs
from lab.base.recipe import Recipe
from lab.consul import encryption
from lab.down import NSPAWN_LOCKS
from lab.hosts import tools
from lab.kernel_limits import KernelLimits
from lab.places import REPOSITORY, Places
from lab.world import CANARY_HEADER, CONSUL_PORT, World

NETWORK = "127.76.0"
VERIFIED = ("VerifyIncomingRPC", "VerifyOutgoing", "VerifyServerHostname")
BUILD_TOOLS = ["make", "gcc", "node", "npm", "npx"]
HEADERS: list[dict[str, str]] = [{}, {CANARY_HEADER: "1"}]
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    found = Places(tmp_path_factory.mktemp("world") / "a lab", Places.from_environment().cache)
    fill_caches(found)
    yield found
    lab(found, "down")


def lab(places: Places, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=REPOSITORY, env=environment(places), capture_output=True, text=True
    )


def fill_caches(places: Places) -> None:
    """What a first start fetches comes through the machine's real proxy, if it has one."""
    recipe, packs = Recipe(ruby=tools.find().needs_ruby), REPOSITORY / "build" / "venvs" / "packs"
    if not (rootfs.is_ready(places, recipe) and layer.is_ready(places, recipe) and packs.is_dir()):
        for word in ("up", "down"):
            variables = {**os.environ, "LAB_ROOT": str(places.root), "LAB_NETWORK": NETWORK}
            subprocess.run(command(word), cwd=REPOSITORY, env=variables, check=True)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lab", *words]


def environment(places: Places) -> dict[str, str]:
    """A folder with a space, and a proxy that reaches nothing of the lab."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ST2_")}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    return {**inherited, **nowhere, "LAB_ROOT": str(places.root), "LAB_NETWORK": NETWORK}


def left_over(places: Places) -> list[object]:
    mounts = Path("/proc/self/mounts").read_text()
    limits = KernelLimits().book
    return [
        *processes.marked(places).items(),
        *cgroups.members(places),
        *(h for h in cgroups.hierarchies() if (h / f"cicd-lab-{places.identity}").exists()),
        *ports.problems(World(NETWORK).listeners()),
        *(line for line in mounts.splitlines() if str(places.root) in line),
        *([limits] if limits.exists() and str(places.root) in limits.read_text() else []),
    ]


@pytest.fixture
def running(places: Places) -> Places:
    done = lab(places, "up")
    assert done.returncode == 0, done.stderr
    return places


def test_a_lab_that_is_up_answers_everywhere_and_stays_when_asked_for_again(running):
    assert lab(running, "status").returncode == 0
    assert "up already" in lab(running, "up").stdout


def test_the_printed_environment_reaches_the_lab_past_a_proxy(running):
    script = (
        '. "$LAB_ROOT/env" && st2 run core.local cmd=\'echo reached\'; curl -sf "$CONSUL/v1/status/leader"'
    )
    variables = {**environment(running), "CONSUL": World(NETWORK).plain_consul_url}
    said = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True)

    assert "stdout: reached" in said.stdout
    assert f"{NETWORK}.10:8300" in said.stdout


def test_a_developers_clone_reaches_the_git_server(running):
    argv = ["git", "-C", str(running.clone), "ls-remote", "origin", "main"]

    assert "refs/heads/main" in subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_hosts_have_their_own_systemd_packages_and_keys(running):
    config = str(running.secrets / "ssh_config")
    said = {
        host.name: subprocess.run(
            ["ssh", "-F", config, host.name, "hostname; systemctl is-system-running; sudo -n -l"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for host in World(NETWORK).apps
    }

    assert {name: text.split()[:2] for name, text in said.items()} == {
        name: [name, "running"] for name in said
    }
    assert all("NOPASSWD: /usr/bin/cicd-converge" in text for text in said.values())


def test_builds_find_their_tools_where_code_is_built_and_packages_the_distribution_where_it_runs(running):
    tried = "command -v make gcc node npm npx; npm --version; python3 -m venv venv && echo venv made"
    config = str(running.secrets / "ssh_config")
    said = {
        name: subprocess.run(["ssh", "-F", config, name, tried], capture_output=True, text=True).stdout
        for name in ("build1", "web1")
    }
    debian = ["ssh", "-F", config, "web1", "cat /etc/apt/sources.list.d/debian.list"]

    assert [Path(line).name for line in said["build1"].splitlines()[:5]] == BUILD_TOOLS
    assert "venv made" in said["build1"]
    assert "gcc" not in said["web1"]
    assert " bookworm main" in subprocess.run(debian, capture_output=True, text=True).stdout


def test_every_agent_speaks_tls_by_a_certificate_for_its_address_and_encrypts_gossip(running):
    for host in World(NETWORK).hosts:
        url, trusted = f"https://{host.address}:{CONSUL_PORT}", encryption.authority(running)
        said = requests.get(f"{url}/v1/agent/self", verify=str(trusted), timeout=10).json()

        assert said["Stats"]["serf_lan"]["encrypted"] == "true", host.name
        assert all(said["DebugConfig"][name] for name in VERIFIED), host.name


def test_the_server_hangs_up_on_who_speaks_without_tls(running):
    plain_rpc = b"\x01"
    with socket.create_connection((World(NETWORK).infra.address, 8300), timeout=10) as connection:
        connection.sendall(plain_rpc)

        assert connection.recv(1) == b""


@pytest.mark.parametrize("ring", ["canary", "everyone"])
def test_a_host_that_only_one_of_haproxys_backends_knows_yet_serves_every_request(running, ring):
    world, name = World(NETWORK), "first"
    catalog = f"{world.plain_consul_url}/v1/catalog"
    tags = {"canary": ["greeter::app_canary"], "everyone": ["greeter::app"]}[ring]
    with serving(f"{NETWORK}.99") as address:
        service = {"ID": name, "Service": "greeter", "Tags": tags, "Address": address, "Port": 8080}
        node = {"Node": name, "Address": address, "Service": service}
        requests.put(f"{catalog}/register", json=node, timeout=10).raise_for_status()
        try:
            first = next(headers for _ in range(100) for headers in HEADERS if is_served(world, headers))
            served = [is_served(world, headers) for headers in HEADERS]
        finally:
            gone = {"Node": name}
            requests.put(f"{catalog}/deregister", json=gone, timeout=10)

    assert first in HEADERS
    assert served == [True, True]


def test_a_host_keeps_its_disk_while_it_is_off(running):
    config = str(running.secrets / "ssh_config")
    subprocess.run(["ssh", "-F", config, "web3", "touch kept"], check=True)
    assert lab(running, "host", "web3", "off").returncode == 0
    assert "web3      switched off" in lab(running, "status").stdout
    assert lab(running, "host", "web3", "on").returncode == 0

    def kept() -> bool:
        return subprocess.run(["ssh", "-F", config, "web3", "ls kept"], capture_output=True).returncode == 0

    assert any(kept() or time.sleep(0.2) for _ in range(50))


def test_a_half_dead_lab_is_refused_and_can_be_taken_down(running):
    supervisors = [pid for pid, text in processes.marked(running).items() if "--machine=infra1" in text]
    processes.stop([*supervisors, *cgroups.members(running, "infra1")], gently=False)
    disks = [disk.stat().st_ino for disk in running.hosts.glob("*/upper")]

    refused = lab(running, "up")

    assert refused.returncode == 1
    assert "half dead" in refused.stderr
    assert lab(running, "down").returncode == 0
    assert left_over(running) == []
    assert not [lock for inode in disks for lock in NSPAWN_LOCKS.glob(f"inode-*:{inode}")]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing(places, number):
    starting = start(places)
    starting.send_signal(number)

    assert starting.wait() == 130
    assert left_over(places) == []


@pytest.mark.long
def test_a_killed_start_can_be_taken_down(places):
    starting = start(places)
    starting.kill()
    starting.wait()

    assert lab(places, "status").stdout.startswith("half dead")
    assert lab(places, "down").returncode == 0
    assert left_over(places) == []


@pytest.mark.long
def test_taking_down_ends_a_start_that_is_under_way(places):
    starting = start(places)

    assert lab(places, "down").returncode == 0
    assert starting.wait() == 130
    assert left_over(places) == []


@contextlib.contextmanager
def serving(address: str) -> Iterator[str]:
    """Answer every request to port 8080 of *address*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer((address, 8080), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield address
        server.shutdown()


def is_served(world: World, headers: dict[str, str]) -> bool:
    time.sleep(0.05)
    return requests.get(world.haproxy_url, headers=headers, timeout=10).status_code == 200


def test_taking_down_what_is_not_up_is_no_error(places):
    assert lab(places, "down").returncode == 0


def start(places: Places) -> subprocess.Popen[bytes]:
    """Return a `lab up` that has begun to boot its hosts."""
    argv = command("up")
    starting = subprocess.Popen(argv, cwd=REPOSITORY, env=environment(places), stdout=subprocess.DEVNULL)
    for _ in range(3000):
        if len(cgroups.members(places)) > 5:
            return starting
        time.sleep(0.1)
    raise AssertionError("no host was started")
