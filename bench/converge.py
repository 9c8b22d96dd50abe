"""
How long a deploy takes from `deploy_production` to every host serving, and how much of it is ours.

    build/venvs/st2client/bin/python -m bench.converge [--hosts 5 20] [--rounds 3]

For each size a lab of its own: one version to canary and production, a second one to the canary, then
rounds of `deploy_production` and `rollback`, timed from the request to the last host that serves. What a
host's own report calls drain, update, install and health is the tools' time: Consul and HAProxy noticing,
apt, the restart, and the configured proof of health; so is the second between two batches in which load
balancers see the last one's health. Whenever no host is inside one of these, the time is ours: StackStorm,
the pack, SSH and the agent's own steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from demo.stackstorm import StackStorm
from demo.stories import PROJECT, Teller, add_greeter, set_version
from demo.view import View
from demo.world import ROOT, World, wait_for

LAB_ROOT = Path(os.environ.get("LAB_ROOT") or ROOT / "build" / "lab")
STEPS = ("drain", "update", "install", "health")
SETTLE_SECONDS = 1  # as in cicd.fleet.rollout, which this interpreter cannot import
LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Run:
    """One deploy or rollback: seconds to the last serving host, to the end, and inside tools."""

    serving: float
    ended: float
    tools: float
    steps: dict[str, float]

    @property
    def ours(self) -> float:
        return self.serving - self.tools


class Follower:
    """Sees from outside when each host of production serves another version, back in traffic."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hosts = {host["name"]: host["address"] for host in world.hosts("production")}

    def follow(self, start: Any, before: str) -> dict[str, float]:
        """Call *start*; return after how many seconds each host first served something else than *before*."""
        began = time.monotonic()
        threading.Thread(target=start).start()
        served: dict[str, float] = {}
        while len(served) < len(self._hosts):
            healthy = self._world.healthy(PROJECT)
            for host, address in self._hosts.items():
                if host not in served and healthy.get(host) and _served(address) not in ("", before):
                    served[host] = time.monotonic() - began
            if time.monotonic() - began > LIMIT_SECONDS:
                raise SystemExit(f"still on {before}: {', '.join(self._hosts.keys() - served.keys())}")
            time.sleep(0.05)
        return served


def _served(address: str) -> str:
    try:
        return str(requests.get(f"http://{address}:8080/version", timeout=5).json()["version"])
    except requests.RequestException:
        return ""


def covered(spans: list[tuple[float, float]]) -> float:
    """Return how long at least one of the spans lasts."""
    total, end = 0.0, 0.0
    for begin, finish in sorted(spans):
        total += max(0.0, finish - max(begin, end))
        end = max(end, finish)
    return total


@contextmanager
def lab(hosts: int) -> Iterator[World]:
    """A fresh lab with *hosts* app hosts."""
    os.environ.pop("ST2_AUTH_TOKEN", None)  # the client leaves the last lab's token there
    environment = {**os.environ, "LAB_APPS": str(hosts)}
    command = [str(ROOT / ".venv/bin/python"), "-m", "lab"]
    subprocess.run([*command, "down"], cwd=ROOT, check=True, env=environment)
    subprocess.run([*command, "up"], cwd=ROOT, check=True, env=environment, stdout=sys.stderr)
    try:
        yield World.read(LAB_ROOT)
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, check=True, env=environment)


def measure(hosts: int, rounds: int) -> dict[str, list[Run]]:
    """Return the runs of *rounds* rounds, by command, on a lab of *hosts* app hosts."""
    with lab(hosts) as world:
        stackstorm = StackStorm(world.description["stackstorm"])
        teller = Teller(world, stackstorm, View())
        first = teller.push("One", add_greeter)
        expect(teller.follow(first, "cicd.ci_success"))
        expect(teller.promote(first))
        second = teller.push("Two", lambda clone: set_version(clone, "2.0.0"))
        expect(teller.follow(second, "cicd.ci_success"))
        canary = world.key(f"{PROJECT}::canary_version")
        found: dict[str, list[Run]] = {"deploy_production": [], "rollback": []}
        for number in range(rounds):
            if number:  # what was rolled back is promoted only after another deploy to the canary
                expect(stackstorm.run("cicd.deploy", project=PROJECT, version=canary))
            teller.wait_for_bake()
            found["deploy_production"].append(one(world, stackstorm, "cicd.deploy_production"))
            found["rollback"].append(one(world, stackstorm, "cicd.rollback", ring="production"))
        return found


def one(world: World, stackstorm: StackStorm, action: str, **parameters: str) -> Run:
    """Run *action* and see when its work is done."""
    ended: dict[str, Any] = {}

    def start() -> None:
        ended.update(stackstorm.run(action, project=PROJECT, **parameters), at=time.monotonic())

    before = world.key(f"{PROJECT}::version") or ""
    began = time.monotonic()
    served = Follower(world).follow(start, before)
    wait_for(f"the end of {action}", lambda: "at" in ended, LIMIT_SECONDS)
    expect(ended)
    record = newest_rollout(world)
    steps = {host: report["seconds"] for host, report in record["hosts"].items()}
    spent = {host: sum(seconds[step] for step in STEPS) for host, seconds in steps.items()}
    spans = [(served[host] - tools, served[host]) for host, tools in spent.items()]
    medians = {step: statistics.median(seconds[step] for seconds in steps.values()) for step in STEPS}
    tools = covered(spans) + (record["batch"] - 1) * SETTLE_SECONDS
    return Run(max(served.values()), ended["at"] - began, tools, medians)


def newest_rollout(world: World) -> dict[str, Any]:
    """Return the record of production's newest rollout."""
    generation = json.loads(world.key(f"cicd/{PROJECT}/release") or "{}")["production"]["generation"]
    return dict(json.loads(world.key(f"cicd/{PROJECT}/rollouts/{generation:08d}") or "{}"))


def expect(execution: dict[str, Any]) -> None:
    """End the benchmark when *execution* did not succeed."""
    if execution["status"] != "succeeded":
        raise SystemExit(f"{execution['action']['ref']} {execution['status']}: {execution.get('result')}")


def rows(hosts: int, found: dict[str, list[Run]]) -> list[dict[str, Any]]:
    """Return the table's rows for one lab."""
    said = []
    for command, runs in found.items():
        values = {
            "to every host serving": [run.serving for run in runs],
            "tools": [run.tools for run in runs],
            "ours": [run.ours for run in runs],
            "to the execution's end": [run.ended for run in runs],
            **{f"a host's {step}": [run.steps[step] for run in runs] for step in STEPS},
        }
        for what, seconds in values.items():
            said.append(row(f"{hosts} hosts, {command}: {what}", seconds))
    return said


def row(what: str, seconds: list[float]) -> dict[str, Any]:
    """Return one row of the table."""
    middle = statistics.median(seconds)
    numbers = {"median": middle, "min": min(seconds), "max": max(seconds)}
    return {"what": what, "n": len(seconds), **{k: round(v, 2) for k, v in numbers.items()}, "unit": "s"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time deploys and rollbacks in labs of several sizes.")
    parser.add_argument("--hosts", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table, shares = [], {}
    for hosts in options.hosts:
        found = measure(hosts, options.rounds)
        table += rows(hosts, found)
        deploys = found["deploy_production"]
        shares[hosts] = statistics.median(run.ours / run.serving for run in deploys)
    for line in table:
        numbers = " ".join(f"{line[key]:>8.2f}" for key in ("median", "min", "max"))
        print(f"{line['what']:<60} {numbers} s")
    ratios = {f"ours_share_of_total_{hosts}": round(share, 3) for hosts, share in shares.items()}
    ratios["ours_share_of_total"] = max(ratios.values())
    print(json.dumps(ratios, indent=2))
    result = {
        "name": "converge",
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rows": table,
        "ratios": ratios,
    }
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/bench/converge.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
