"""One project on three simulated hosts, in a StackStorm that others use too, and all that was asked there."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import requests
import yaml

from tests.conformance import processes
from tests.conformance.local import Local
from tests.conformance.rest import COMPLETED, Rest
from tests.fleet.loopback import Loopback, Machine
from tests.fleet.world import ROOT
from tests.lib import apt_index

PEOPLE = ("ann", "bob", "eve")
USERS = (*PEOPLE, "stanley")
COMMANDER = "incident_commander"
BAKE = 1
BUILDS = 40
HOSTS = 3
CANARIES = 1
WAIT_SECONDS = 240
LANES = int(os.environ.get("HISTORY_LANES", "2"))
DEPLOY = {
    "batches": ["1", "100%"],
    "host_timeout": 20,
    "lock_wait_seconds": 2,
    "lost_after": 30,
    "max_canaries": "50%",
    "min_bake_seconds": BAKE,
    "min_healthy": "25%",
}


def version(number: int) -> str:
    return f"1.0-{number}.{number:07x}"


def published(projects: Sequence[str]) -> Iterator[str]:
    for project in projects:
        for number in range(BUILDS):
            yield apt_index.entry(project, version(number), f"acme/{project}@{number:040x}")


@dataclass
class Deed:
    """What somebody asked of StackStorm, and when; how it ended, once somebody saw it end."""

    who: str
    action: str
    parameters: dict[str, Any]
    began: float
    execution: str = ""
    ended: float = float("inf")
    status: str = ""


@dataclass
class Lane:
    """A project, its hosts (the first one the canary), and what CI said of its commits in this history."""

    stackstorm: StackStorm
    project: str
    machines: list[Machine]
    deeds: list[Deed] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)  # by version, who wrote it

    @property
    def production(self) -> list[Machine]:
        return self.machines[CANARIES:]

    def begin(self) -> None:
        """Forget the last history: no release, no report, nothing installed, every host well."""
        consul = self.stackstorm.consul
        for prefix in (f"cicd/{self.project}/", f"{self.project}::"):
            requests.delete(f"{consul}/v1/kv/{prefix}?recurse", timeout=10).raise_for_status()
        self.deeds, self.passed, self._pushed, self._guard = [], {}, 0, threading.Lock()
        for machine in self.machines:
            machine.break_with("")
            for name in ("installed", "installs"):
                (machine.folder / name).unlink(missing_ok=True)
            self._register(machine, "canary" if machine in self.machines[:CANARIES] else "production")

    # --- CI, shortened -----------------------------------------------------------------------------

    def build(self, author: str, is_good: bool) -> str:
        """Leave what CI leaves of a commit by *author*; a bad one is in the repository all the same."""
        with self._guard:
            self._pushed += 1
            number = min(self._pushed, BUILDS - 1)
        name, commit = version(number), f"{number:040x}"
        stage = "passed" if is_good else "failed"
        self._put(f"runs/{commit}", {"stage": stage, "user": author, "at": time.time(), "build": number})
        if is_good:
            self.passed[name] = author
            known = {"commit": commit, "sha256": "a" * 64, "ci": {"passed": True, "build": number}}
            self._put(f"packages/{name}", known)
        return name

    def some_version(self, chance: Random) -> str:
        return version(max(0, min(BUILDS - 1, self._pushed - chance.randint(-1, 3))))

    # --- Consul ------------------------------------------------------------------------------------

    def keys(self, prefix: str) -> dict[str, Any]:
        """Return the documents below *prefix* of the project."""
        url = f"{self.stackstorm.consul}/v1/kv/cicd/{self.project}/{prefix}?recurse&consistent"
        found = requests.get(url, timeout=10)
        names = sorted(item["Key"] for item in found.json()) if found.ok else []
        return {name: self._document(name) for name in names}

    def ring(self, name: str) -> dict[str, Any]:
        """Return what the record says of the ring *name*; empty when nothing is recorded."""
        known = self._document(f"cicd/{self.project}/release")
        return dict(known[name]) if known else {}

    def wanted(self, ring: str) -> str:
        return str((self.ring(ring).get("wanted") or {}).get("version", ""))

    def _document(self, key: str) -> Any:
        found = requests.get(f"{self.stackstorm.consul}/v1/kv/{key}?raw&consistent", timeout=10)
        return found.json() if found.ok else None

    def _put(self, key: str, document: dict[str, Any]) -> None:
        url = f"{self.stackstorm.consul}/v1/kv/cicd/{self.project}/{key}"
        requests.put(url, json=document, timeout=10).raise_for_status()

    def _register(self, machine: Machine, ring: str) -> None:
        tags = [f"{self.project}::app"] + ([f"{self.project}::app_canary"] if ring == "canary" else [])
        check = {"CheckID": "answers", "Name": "it answers", "Status": "STATUS", "ServiceID": self.project}
        service = {"ID": self.project, "Service": self.project, "Tags": tags, "Port": 80}
        entry = {"Node": machine.name, "Address": machine.address, "Service": service, "Check": check}
        (machine.folder / "entry.json").write_text(json.dumps(entry))
        (machine.folder / "ring").write_text(ring)
        text = json.dumps(entry).replace("STATUS", "passing")
        url = f"{self.stackstorm.consul}/v1/catalog/register"
        requests.put(url, data=text, timeout=10).raise_for_status()

    # --- StackStorm --------------------------------------------------------------------------------

    def alive(self) -> list[str]:
        """Return the executions of this project that have not ended, whoever or whatever began them."""
        path = "/executions/?limit=200&parent=null&include_attributes=status,parameters"
        try:
            found = self.stackstorm.rest.get(path)
        except (httpx.TransportError, RuntimeError):  # another lane has just killed StackStorm
            return ["what runs is not known"]
        mine = [one for one in found if one.get("parameters", {}).get("project") == self.project]
        return [one["id"] for one in mine if one["status"] not in COMPLETED]

    def settle(self) -> None:
        """Wait for the end of everything that was asked for."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.alive():
            assert time.monotonic() < deadline, f"{self.project}: {self.alive()} do not end"
            time.sleep(0.5)


class StackStorm:
    """An st2local with this pack and *lanes* projects, that may be killed while they use it."""

    def __init__(self, folder: Path, consul: str, repository: str, fleet: Loopback, lanes: int) -> None:
        self.consul, self._folder = consul, folder
        self.local = Local(folder, packs=[ROOT], users=USERS)
        names = [f"p{number}" for number in range(lanes)]
        machines = [fleet.machines[n * HOSTS : (n + 1) * HOSTS] for n in range(lanes)]
        self.lanes = [Lane(self, *one) for one in zip(names, machines, strict=True)]
        self.rest: Rest
        self._tokens: dict[str, str] = {}
        values = {
            **yaml.safe_load((ROOT / "cicd.yaml.example").read_text()),
            "consul": {"url": consul},
            "repository": apt_index.section(repository),
            "ssh": {
                "user": fleet.user,
                "port": fleet.port,
                "private_key_file": str(fleet.private_key),
                "known_hosts_file": str(fleet.known_hosts),
                "connect_timeout": 5,
            },
            "deploy": DEPLOY,
            "break_glass": {COMMANDER: list(PEOPLE[:2])},
            "projects": {name: {"repository": f"acme/{name}", "approval": {"count": 1}} for name in names},
        }
        (folder / "configs" / "cicd.yaml").write_text(yaml.safe_dump(values))

    def __enter__(self) -> StackStorm:
        self.rest = self.local.start()
        self._tokens = {who: self.local.token(who) for who in USERS}
        return self

    def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request of *who*."""
        return self.rest.ask(method, path, body, headers={"X-Auth-Token": self._tokens[who]})

    def __exit__(self, *error: object) -> None:
        if self.local.process:
            self.local.stop()

    def dies(self) -> None:
        """End it as a power cut would, and start it again; who asked something meanwhile has no answer."""
        self.local.kill()
        self.rest = self.local.start()

    def kill_a_step(self, chance: Random) -> None:
        """End one Python action of those that run, as the kernel does when memory is short."""
        assert self.local.process
        steps = processes.of_actions(self.local.process.pid)
        if steps:
            try:
                os.kill(chance.choice(steps), signal.SIGKILL)
            except ProcessLookupError:
                return
