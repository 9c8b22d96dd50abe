"""A simulated fleet that the pack deploys to: real sshd and Consul, stand-ins for what runs on the hosts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from cicd import config
from cicd.release import transitions
from cicd.release.host import Host
from cicd.release.record import Build, Cause, Release
from cicd.store.store import Store
from tests.fleet.loopback import Loopback, Machine

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "greeter"
CAUSE = Cause("ann", "a test", 1.0)
DEPLOY = {
    "batches": ["1", "100%"],
    "host_timeout": 4,
    "min_bake_seconds": 0,
    "min_healthy": "50%",
    "lost_after": 30,
}


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", PROJECT, f"{commits:040x}", "0" * 64, "")


OLD, NEW = build(1), build(2)


class World:
    """*loopback*'s machines as the hosts of one project, the first *canaries* of them in the canary ring."""

    def __init__(self, consul: str, loopback: Loopback, canaries: int, **deploy: Any) -> None:
        self.consul = consul
        self.loopback = loopback
        self._canaries = canaries
        self.configuration: dict[str, Any] = {
            **yaml.safe_load((ROOT / "cicd.yaml.example").read_text()),
            "consul": {"url": consul},
            "ssh": {
                "user": loopback.user,
                "port": loopback.port,
                "private_key_file": str(loopback.private_key),
                "known_hosts_file": str(loopback.known_hosts),
                "connect_timeout": 3,
            },
            "deploy": {**DEPLOY, **deploy},
            "projects": {PROJECT: {"repository": "acme/greeter"}},
        }

    @property
    def settings(self) -> config.Settings:
        return config.parse(self.configuration)

    @property
    def project(self) -> config.Project:
        return self.settings.project(PROJECT)

    @property
    def store(self) -> Store:
        return Store(self.settings)

    def ring(self, name: str) -> list[Machine]:
        machines = self.loopback.machines
        return machines[: self._canaries] if name == "canary" else machines[self._canaries :]

    def hosts(self, ring: str) -> list[Host]:
        return [Host(machine.name, machine.address) for machine in self.ring(ring)]

    def reset(self) -> None:
        """Let every host run OLD, healthy, and both rings be recorded so."""
        self.erase()
        for ring in ("canary", "production"):
            for number, machine in enumerate(self.ring(ring)):
                machine.break_with("")
                (machine.folder / "installed").write_text(OLD.version)
                (machine.folder / "bad").write_text(NEW.version)
                (machine.folder / "ring").write_text(ring)
                self.register(machine, ring, zone="ab"[number % 2])
        for ring in ("canary", "production"):
            self._end_well(ring, self._want(ring, OLD))

    def erase(self) -> None:
        """Let Consul know of no release."""
        requests.delete(f"{self.consul}/v1/kv/?recurse", timeout=10).raise_for_status()

    def register(self, machine: Machine, ring: str, zone: str = "", address: str = "") -> None:
        """Tell Consul of *machine*; with *address* one that nobody answers at."""
        tags = ["greeter::app"] + (["greeter::app_canary"] if ring == "canary" else [])
        entry = {
            "Node": machine.name,
            "Address": address or machine.address,
            "NodeMeta": {"zone": zone},
            "Service": {"ID": PROJECT, "Service": PROJECT, "Tags": tags, "Port": 80},
            "Check": {
                "CheckID": "answers",
                "Name": "it answers",
                "Status": "STATUS",
                "ServiceID": PROJECT,
            },
        }
        text = json.dumps(entry)
        (machine.folder / "entry.json").write_text(text)
        url = f"{self.consul}/v1/catalog/register"
        requests.put(url, data=text.replace("STATUS", "passing"), timeout=10).raise_for_status()

    @contextmanager
    def unreachable(self, machine: Machine) -> Iterator[None]:
        """Let Serf not reach *machine*: again and again, for once a minute Consul removes non-members."""
        entry = json.loads((machine.folder / "entry.json").read_text().replace("STATUS", "passing"))
        serf = {"CheckID": "serfHealth", "Name": "Serf", "Status": "critical"}
        entry["Checks"] = [entry.pop("Check"), serf]
        ended = threading.Event()

        def tell() -> None:
            url = f"{self.consul}/v1/catalog/register"
            requests.put(url, json=entry, timeout=10).raise_for_status()

        def insist() -> None:
            while not ended.wait(0.2):
                tell()

        tell()
        with ThreadPoolExecutor(1) as pool:
            insisting = pool.submit(insist)
            try:
                yield
            finally:
                ended.set()
            insisting.result()
        gone = {"Node": machine.name, "CheckID": serf["CheckID"]}
        requests.put(f"{self.consul}/v1/catalog/deregister", json=gone, timeout=10).raise_for_status()

    def converge_by_itself(self, machine: Machine, build: Build) -> None:
        """Let *machine* run *build* and report it, as its timer would."""
        (machine.folder / "installed").write_text(build.version)
        report = {"host": machine.name, "state": "converged", "code": "ok", "installed": build.version}
        self.store.put(f"cicd/{PROJECT}/hosts/{machine.name}", report)

    def forget(self) -> None:
        """Take every host out of Consul."""
        for machine in self.loopback.machines:
            url = f"{self.consul}/v1/catalog/deregister"
            requests.put(url, json={"Node": machine.name}, timeout=10).raise_for_status()

    def want(self, ring: str, wanted: Build = NEW) -> int:
        """Advertise *wanted* to *ring*, and return the generation."""
        if ring == "production":
            self._end_well("canary", self._want("canary", wanted))
        return self._want(ring, wanted)

    def recorded(self, ring: str) -> Any:
        return self.store.release(PROJECT).ring(ring)

    def installed(self, ring: str) -> set[str]:
        return {machine.installed for machine in self.ring(ring)}

    def _want(self, ring: str, wanted: Build) -> int:
        def decide(known: Release) -> Release:
            if ring == "canary":
                return transitions.advertise_canary(known, wanted, time.time())
            return transitions.promote(known, time.time() + 1, 0)

        return self.store.change(PROJECT, "test", ring, CAUSE, decide).ring(ring).generation

    def _end_well(self, ring: str, generation: int) -> None:
        self.store.change(
            PROJECT, "test", ring, CAUSE, lambda r: transitions.confirm(r, ring, generation, time.time())
        )


class Watch:
    """Counts, in a `with` block, how many of a project's hosts serve, and remembers the fewest."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.fewest = len(world.loopback.machines)
        self.fewest_in_zone: dict[str, int] = {}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        store, project = self._world.store, self._world.project
        while not self._done.wait(0.02):
            serving = [host for host in store.health(project) if not host.trouble]
            self.fewest = min(self.fewest, len(serving))
            for zone in ("a", "b"):
                there = sum(host.zone("zone") == zone for host in serving)
                self.fewest_in_zone[zone] = min(self.fewest_in_zone.get(zone, there), there)
