"""A whole lab of its own, on other addresses than the usual one: up, half dead, down. Needs root."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cgroups, ports, processes
from lab.kernel_limits import KernelLimits
from lab.places import REPOSITORY, Places
from lab.world import World

NETWORK = "127.76.0"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    found = Places(tmp_path_factory.mktemp("world") / "lab")
    yield found
    lab(found, "down")


def lab(places: Places, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=REPOSITORY, env=environment(places), capture_output=True, text=True
    )


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lab", *words]


def environment(places: Places) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ST2_")}
    return {**inherited, "LAB_ROOT": str(places.root), "LAB_NETWORK": NETWORK}


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

    refused = lab(running, "up")

    assert refused.returncode == 1
    assert "half dead" in refused.stderr
    assert lab(running, "down").returncode == 0
    assert left_over(running) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing(places, number):
    starting = start(places)
    starting.send_signal(number)

    assert starting.wait() == 130
    assert left_over(places) == []


def test_a_killed_start_can_be_taken_down(places):
    starting = start(places)
    starting.kill()
    starting.wait()

    assert lab(places, "status").stdout.startswith("half dead")
    assert lab(places, "down").returncode == 0
    assert left_over(places) == []


def test_taking_down_ends_a_start_that_is_under_way(places):
    starting = start(places)

    assert lab(places, "down").returncode == 0
    assert starting.wait() == 130
    assert left_over(places) == []


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
