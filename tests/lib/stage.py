"""One project on four hosts in a real Consul, and everything that was tried there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import requests

from cicd.clients.consul import Operation, set_
from cicd.config import Settings
from cicd.release.lifecycle import PAIR, Lifecycle
from cicd.store.deploy_lock import key as lock_key
from cicd.store.store import Store
from tests.lib import apt_index
from tests.lib.consul_settings import settings

PROJECT = "greeter"
ROLES = {"incident_commander": ["ann", "bob"]}
HOSTS = {"canary": ("web1", "web2"), "production": ("web3", "web4")}
BAKE = 0.2  # less than the configuration can say
BUILDS = 400
TRANSACTION = 64  # the most that Consul takes at once


def version(commits: int) -> str:
    return f"1.0-{commits}.{commits:07x}"


def commits(of: str) -> int:
    return int(of.partition("-")[2].partition(".")[0])


def published() -> Iterator[str]:
    for number in range(BUILDS):
        yield apt_index.entry(PROJECT, version(number), f"acme/greeter@{number:040x}")


def recorded(number: int) -> Operation:
    """Record build *number* as one that CI passed."""
    known = {"commit": f"{number:040x}", "sha256": "a" * 64, "ci": {"passed": True, "build": number}}
    return set_(f"cicd/{PROJECT}/packages/{version(number)}", json.dumps(known))


@dataclass
class Deed:
    """What an actor tried, and when; it got a `generation`, or was `said` why not, or died before either."""

    who: str
    execution: str
    what: str
    ring: str
    asked: int
    began: float
    ended: float = float("inf")
    project: str = ""
    generation: int = 0
    said: str = ""


def lifecycle(datacenters: Mapping[str, str]) -> Lifecycle:
    """Return the usual pair of rings, each in its datacentre."""
    if not datacenters:
        return PAIR
    return Lifecycle(tuple(replace(one, datacenter=datacenters.get(one.name, "")) for one in PAIR.stages))


class World:
    """One project with four hosts, and everything that was tried in it."""

    def __init__(self, consul: str, repository: str, datacenters: Mapping[str, str] | None = None) -> None:
        known = settings(
            consul,
            repository=apt_index.section(repository),
            deploy={
                "lock_wait_seconds": 0,
                "lock_ttl_seconds": 600,
                "min_healthy": "25%",
                "failure_budget": "1",
            },
            break_glass=ROLES,
            projects={PROJECT: {"repository": "acme/greeter", "approval": {"count": 1}}},
        )
        self.datacenters = datacenters or {}  # of rings that are in another one
        project = replace(
            known.project(PROJECT), min_bake_seconds=BAKE, lifecycle=lifecycle(self.datacenters)
        )
        self.settings: Settings = replace(known, projects={PROJECT: project})
        self.consul = consul
        self.store = Store(self.settings)
        self.deeds: list[Deed] = []
        self.failed: set[tuple[str, int, str]] = set()  # ring, generation, host
        self.freed: dict[str, list[float]] = {ring: [] for ring in PAIR.names}
        self.well: dict[str, list[list[float]]] = {}
        self.installed: dict[str, list[tuple[float, str]]] = {}
        self.failing = 0  # the generation of a deploy that everybody wants to take back
        self._pushed, self._guard = 0, threading.Lock()

    def reset(self) -> None:
        for where in ("", *self.datacenters.values()):
            url = f"{self.consul}/v1/kv/?recurse&dc={where}"
            requests.delete(url, timeout=10).raise_for_status()
        for session in requests.get(f"{self.consul}/v1/session/list", timeout=10).json():
            requests.put(f"{self.consul}/v1/session/destroy/{session['ID']}", timeout=10)
        for first in range(0, BUILDS, TRANSACTION):
            self.store.commit([recorded(number) for number in range(first, min(BUILDS, first + TRANSACTION))])
        for ring in PAIR.names:
            for host in HOSTS[ring]:
                self.well[host], self.installed[host] = [[time.time(), float("inf")]], []
                self.check(host, "passing")

    def forget(self) -> None:
        for host in self.well:
            self._catalog("deregister", {"Node": host, "Datacenter": self.datacenter(host)})

    def next_build(self) -> int:
        with self._guard:
            self._pushed += 1
            return self._pushed

    @property
    def newest(self) -> int:
        return self._pushed

    # --- hosts ------------------------------------------------------------------------------------

    def check(self, host: str, state: str) -> None:
        tags = ["greeter::app"] + (["greeter::app_canary"] if host in HOSTS["canary"] else [])
        service = {"ID": PROJECT, "Service": PROJECT, "Tags": tags, "Port": 80}
        check = {"CheckID": "answers", "Name": "it answers", "Status": state, "ServiceID": PROJECT}
        node = {"Node": host, "Address": "127.0.0.1", "Datacenter": self.datacenter(host)}
        self._catalog("register", {**node, "Service": service, "Check": check})

    def datacenter(self, host: str) -> str:
        """Return the datacentre of the host; an empty one is that with the record."""
        return self.datacenters.get("canary" if host in HOSTS["canary"] else "production", "")

    def is_well(self, host: str) -> bool:
        return self.well[host][-1][1] == float("inf")

    def gets_sick_or_well(self, host: str) -> None:
        """Its times of health are noted so long that they contain the true ones."""
        if self.is_well(host):
            self.check(host, "critical")
            self.well[host][-1][1] = time.time()
        else:
            self.well[host].append([time.time(), float("inf")])
            self.check(host, "passing")

    def converge(self, host: str, generation: int = 0) -> None:
        """Do what cicd-converge does on *host*, without the package: *generation* 0 is the pull path."""
        ring = "canary" if host in HOSTS["canary"] else "production"
        kept, where = f"{self.consul}/v1/kv/cicd/{PROJECT}", f"dc={self.datacenter(host)}"
        text = requests.get(f"{kept}/wanted/{ring}?raw&{where}", timeout=10).text
        wanted = dict(line.split("=", 1) for line in text.split())
        obeys = wanted.get("generation") == str(generation) or (not generation and not wanted.get("hold"))
        if wanted.get("version") and obeys:
            self.installed[host].append((time.time(), wanted["version"]))
            report = {
                "installed": wanted["version"],
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            requests.put(f"{kept}/hosts/{host}?{where}", json=report, timeout=10).raise_for_status()

    def may_have_run(self, host: str, wanted: str, began: float, ended: float) -> bool:
        """Whether *host* reported *wanted* by *ended*, and was well at some time since *began*."""
        reported = any(at <= ended and found == wanted for at, found in self.installed[host])
        return reported and any(start <= ended and end >= began for start, end in self.well[host])

    def lock_ends(self, ring: str) -> None:
        """End the session that holds the lock of *ring*, as Consul does when it is not renewed in time."""
        url = f"{self.consul}/v1/kv/{lock_key(PROJECT, ring)}"
        found = requests.get(url, timeout=10)
        if found.ok and found.json()[0].get("Session"):
            self.freed[ring].append(time.time())
            requests.put(f"{self.consul}/v1/session/destroy/{found.json()[0]['Session']}", timeout=10)

    def _catalog(self, verb: str, entry: dict) -> None:
        requests.put(f"{self.consul}/v1/catalog/{verb}", json=entry, timeout=10).raise_for_status()
