"""What reaching many hosts at once costs: the pack's own path beside the tools that people use for it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.fleet.loopback import Loopback, Machine

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build" / "bench" / "fanout.json"
VENV = ROOT / "build" / "venvs" / "fanout"
SIZES = (10, 50, 100)
PARALLEL = 50
ARGV = ["sudo", "-n", "/usr/bin/cicd-converge", "--generation", "3", "greeter"]


class Contest:
    """One fleet, and every way to run the no-change converge on the first hosts of it."""

    def __init__(self, fleet: Loopback, folder: Path) -> None:
        self._fleet = fleet
        self._folder = folder
        self._home = folder / "home"
        (self._home / ".ssh").mkdir(parents=True)
        shutil.copy(fleet.known_hosts, self._home / ".ssh" / "known_hosts")
        self.tools: dict[str, Callable[..., float]] = {
            "ours, cold": partial(self._client, "ours"),
            "asyncssh alone": partial(self._client, "asyncssh"),
            "OpenSSH, a pool of clients": partial(self._client, "openssh"),
            "OpenSSH, shared connections, cold": partial(self._client, "openssh_shared"),
            "Fabric alone": partial(self._client, "fabric"),
            "pyinfra": self._pyinfra,
            "Ansible raw": partial(self._ansible, "raw"),
            "Ansible command": partial(self._ansible, "command"),
        }
        self.warm: dict[str, Callable[..., float]] = {
            "ours, warm": partial(self._client, "ours", times=2),
            "OpenSSH, shared connections, warm": partial(self._client, "openssh_shared", times=2),
        }

    def measure(self, what: str, machines: list[Machine]) -> float:
        """Return the seconds that *what* takes, once it is sure that it ran on every machine."""
        times = 2 if what in self.warm else 1
        before = runs(machines)
        seconds = {**self.tools, **self.warm}[what](machines)
        done = runs(machines) - before
        if done != times * len(machines):
            raise SystemExit(f"{what} ran {done} times on {len(machines)} hosts, not {times} times on each")
        self._close_sockets()
        return seconds

    def runs_with_a_wrong_key(self, what: str, machine: Machine, shipped: bool) -> bool:
        """Say whether *what* ran the command on *machine*, whose key is not the known one."""
        before = runs([machine])
        self.tools[what]([machine], shipped=shipped)
        self._close_sockets()
        return runs([machine]) > before

    def _client(self, name: str, machines: list[Machine], times: int = 1, shipped: bool = False) -> float:
        description = self._folder / "fleet.json"
        description.write_text(
            json.dumps(
                {
                    "user": self._fleet.user,
                    "port": self._fleet.port,
                    "key": str(self._fleet.private_key),
                    "known_hosts": str(self._fleet.known_hosts),
                    "addresses": [machine.address for machine in machines],
                    "argv": ARGV,
                    "parallel": PARALLEL,
                    "sockets": str(self._sockets()),
                    "times": times,
                    "shipped": shipped,
                }
            )
        )
        began = time.perf_counter()
        command = [str(python()), str(ROOT / "bench" / "fanout_clients.py"), name, str(description)]
        said = self._run(command)
        if not said:
            raise SystemExit(self._last_log().read_text())
        spent = json.loads(said.splitlines()[-1])
        return float(spent[1]) if times == 2 else time.perf_counter() - began

    def _pyinfra(self, machines: list[Machine], shipped: bool = False) -> float:
        data = {
            "ssh_user": self._fleet.user,
            "ssh_port": self._fleet.port,
            "ssh_key": str(self._fleet.private_key),
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        }
        if not shipped:
            data |= {
                "ssh_known_hosts_file": str(self._fleet.known_hosts),
                "ssh_strict_host_key_checking": "yes",
            }
        inventory = self._folder / "inventory.py"
        inventory.write_text(f"hosts = {[(machine.address, data) for machine in machines]!r}\n")
        words = ["-y", "--parallel", str(PARALLEL), str(inventory), "exec", "--", *ARGV]
        return self._timed([str(VENV / "bin" / "pyinfra"), *words])

    def _ansible(self, module: str, machines: list[Machine], shipped: bool = False) -> float:
        arguments = f"-F none -o UserKnownHostsFile={self._fleet.known_hosts}"
        inventory = self._folder / "inventory.ini"
        inventory.write_text(
            "\n".join([*(machine.address for machine in machines), "[all:vars]", ""])
            + f"ansible_user={self._fleet.user}\nansible_port={self._fleet.port}\n"
            f"ansible_ssh_private_key_file={self._fleet.private_key}\n"
            f"ansible_ssh_common_args='{arguments}'\n"
            f"ansible_python_interpreter={shutil.which('python3', path='/usr/bin:/usr/local/bin')}\n"
            f"ansible_remote_tmp={self._folder}/remote\n"
        )
        words = ["all", "-i", str(inventory), "-f", str(PARALLEL), "-m", module, "-a", " ".join(ARGV)]
        return self._timed([str(VENV / "bin" / "ansible"), *words])

    def _timed(self, command: list[str]) -> float:
        began = time.perf_counter()
        self._run(command)
        return time.perf_counter() - began

    def _run(self, command: list[str]) -> str:
        environment = {
            **os.environ,
            "HOME": str(self._home),
            "PYTHONPATH": str(ROOT / "actions" / "lib"),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._sockets()),
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_LOCALHOST_WARNING": "False",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self._last_log().write_text(f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _last_log(self) -> Path:
        return self._folder / "last.log"

    def _sockets(self) -> Path:
        folder = self._folder / "s"
        folder.mkdir(exist_ok=True)
        return folder

    def _close_sockets(self) -> None:
        """End every shared connection, so that the next tool begins cold."""
        for path in self._sockets().iterdir():
            command = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={path}", "any"]
            subprocess.run(command, capture_output=True, check=False)


def python() -> Path:
    """Return the Python of the environment that all tools share."""
    return VENV / "bin" / "python"


def set_up() -> None:
    """Make the environment of the tools, unless it is there."""
    subprocess.run([ROOT / "script" / "environment", VENV.relative_to(ROOT), "bench"], check=True)


def runs(machines: list[Machine]) -> int:
    """Return how often the command ran on *machines*, all together."""
    files = [machine.folder / "generations" for machine in machines]
    return sum(len(file.read_text().splitlines()) for file in files if file.exists())


def prepare(machine: Machine) -> None:
    """Let *machine* run already what is wanted of it."""
    for name, text in {
        "wanted": "version=1.0\ngeneration=3\n",
        "ring": "production",
        "installed": "1.0",
    }.items():
        (machine.folder / name).write_text(text)


def compare(contest: Contest, machines: list[Machine], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of every tool on *machines*; the tools take turns."""
    samples: dict[str, list[float]] = {what: [] for what in [*contest.tools, *contest.warm]}
    for number in range(rounds):
        print(f"bench: {len(machines)} hosts, round {number + 1} of {rounds}", flush=True)
        for what, taken in samples.items():
            taken.append(contest.measure(what, machines))
    return samples


def key_checks(contest: Contest, fleet: Loopback, machine: Machine) -> dict[str, dict[str, bool]]:
    """Return which tools refuse a wrong key, as they are shipped and as they were measured here."""
    fleet.change_key(machine)
    shutil.copy(fleet.known_hosts, contest._home / ".ssh" / "known_hosts")
    return {
        what: {
            "shipped": not contest.runs_with_a_wrong_key(what, machine, True),
            "measured": not contest.runs_with_a_wrong_key(what, machine, False),
        }
        for what in contest.tools
    }


def ratios(samples: dict[str, list[float]]) -> dict[str, float]:
    """Return what the figures at the largest size amount to."""
    median = {what: statistics.median(taken) for what, taken in samples.items()}
    others = ("asyncssh alone", "OpenSSH, a pool of clients", "OpenSSH, shared connections, cold")
    fastest = min(median[what] for what in (*others, "Fabric alone", "pyinfra"))
    return {
        "cold_over_fastest_cold_100": round(median["ours, cold"] / fastest, 2),
        "warm_over_warm_openssh_100": round(
            median["ours, warm"] / median["OpenSSH, shared connections, warm"], 2
        ),
        "ansible_over_ours_100": round(median["Ansible command"] / median["ours, cold"], 2),
        "fabric_over_fastest_cold_100": round(median["Fabric alone"] / fastest, 2),
    }


def rows(size: int, samples: dict[str, list[float]]) -> list[dict[str, object]]:
    """Return the figures of one size."""
    return [
        {
            "what": f"{what}, {size} hosts",
            "n": len(taken),
            "median": round(statistics.median(taken), 3),
            "min": round(min(taken), 3),
            "max": round(max(taken), 3),
            "unit": "s",
        }
        for what, taken in samples.items()
    ]


def table(found: dict[int, dict[str, list[float]]], checks: dict[str, dict[str, bool]]) -> str:
    """Return a table of medians and, in brackets, ratios to ours of the same kind."""
    heads = "".join(f" {size} hosts |" for size in found)
    lines = [f"| client |{heads} refuses a wrong key: as shipped / as measured |"]
    lines += ["|---|" + "---|" * (len(found) + 1)]
    for what in next(iter(found.values())):
        ours = "ours, warm" if what.endswith("warm") else "ours, cold"
        cells = ""
        for samples in found.values():
            median = statistics.median(samples[what])
            cells += f" {median:.2f} s ({median / statistics.median(samples[ours]):.2f}) |"
        check = checks.get(what)
        said = f"{_yes(check['shipped'])} / {_yes(check['measured'])}" if check else ""
        lines.append(f"| {what} |{cells} {said} |")
    return "\n".join(lines)


def _yes(refused: bool) -> str:
    return "yes" if refused else "**no**"


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    set_up()
    with tempfile.TemporaryDirectory(prefix="fan") as name:
        folder = Path(name)
        with Loopback(folder / "fleet", max(options.sizes)) as fleet:
            for machine in fleet.machines:
                prepare(machine)
            contest = Contest(fleet, folder)
            found = {size: compare(contest, fleet.machines[:size], options.rounds) for size in options.sizes}
            checks = key_checks(contest, fleet, fleet.machines[0])
    print(table(found, checks))
    largest = ratios(found[max(found)])
    print(json.dumps(largest, indent=2))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "name": "fanout",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [row for size, samples in found.items() for row in rows(size, samples)],
        "ratios": largest,
        "refuses_a_wrong_key": checks,
    }
    OUTPUT.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
