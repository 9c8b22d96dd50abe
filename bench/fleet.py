"""
What a fleet costs one Consul: writes, bytes and woken watches, idle and in a deploy.

Each host is the requests of cicd-converge, without systemd: what it reads in a run, the renewal of its check
or its report, and the watch of what is wanted. All share one agent, a real server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench import report
from tests.conftest import server

PROJECT = "greeter"
WANTED = f"/v1/kv/cicd/{PROJECT}/wanted"
REPORT = {
    "state": "unchanged", "code": "ok", "message": f"{PROJECT} 1.0-1.abcdef0 is installed and healthy.",
    "project": PROJECT, "ring": "production", "wanted": "1.0-1.abcdef0", "installed": "1.0-1.abcdef0",
    "dpkg": "installed", "edited": "", "agent": "0.1.0", "at": "2026-01-01T00:00:00Z",
    "seconds": {"drain": 0, "update": 0, "install": 0, "health": 0, "total": 0.05},
}  # fmt: skip
ONE = f"filter=Service%3D%3D%22{PROJECT}%22"
SERVICE = {"ID": PROJECT, "Service": PROJECT, "Tags": [f"{PROJECT}::app"], "Port": 8080}
NEW = {"log": "", "registered": f"{PROJECT} at :8080", "foreign": "", "alive": "check"}


@dataclass
class Cost:
    """What the hosts sent and got, and how often a watch woke."""

    requests: int = 0
    sent: int = 0
    got: int = 0
    wakes: int = 0


@dataclass
class Fleet:
    """*hosts* simulated hosts of one Consul; old ones write every report."""

    url: str
    hosts: int
    old: bool
    cost: Cost = field(default_factory=Cost)

    async def ask(self, session: aiohttp.ClientSession, method: str, path: str, body: str = "") -> bytes:
        async with session.request(method, f"{self.url}{path}", data=body or None) as answer:
            got = await answer.read()
        self.cost.requests += 1
        self.cost.sent += len(path) + len(body)
        self.cost.got += len(got)
        return got

    async def enter(self, session: aiohttp.ClientSession) -> None:
        """Register the service and, unless the fleet is old, each host's check and its node."""
        await self.ask(session, "PUT", "/v1/agent/service/register", json.dumps({"Name": "cicd-converge"}))
        await self.each(lambda number: self.register(session, number))

    async def register(self, session: aiohttp.ClientSession, number: int) -> None:
        check = {"ID": f"cicd-converge:{number}", "Name": "runs", "ServiceID": "cicd-converge", "TTL": "300s"}
        node = {"Node": f"web{number}", "Address": f"10.0.{number // 250}.{number % 250}", "Service": SERVICE}
        if not self.old:
            await self.ask(session, "PUT", "/v1/agent/check/register", json.dumps(check))
            await self.ask(session, "PUT", "/v1/catalog/register", json.dumps(node))
        await self.tell(session, number, 1)

    async def minute(self, session: aiohttp.ClientSession, number: int) -> None:
        """What a run that finds nothing to do asks and says."""
        for path in (f"{WANTED}/production?raw", f"{WANTED}/canary?raw"):
            await self.ask(session, "GET", path)
        if self.old:
            await self.tell(session, number, 1)
            return
        await self.ask(session, "GET", f"/v1/catalog/node/web{number}?stale&{ONE}")
        await self.ask(session, "GET", f"/v1/kv/cicd/{PROJECT}/hosts/web{number}?raw&stale")
        await self.ask(session, "PUT", f"/v1/agent/check/pass/cicd-converge:{number}")

    async def tell(self, session: aiohttp.ClientSession, number: int, generation: int) -> None:
        said = {**REPORT, **({} if self.old else NEW), "host": f"web{number}", "generation": generation}
        await self.ask(session, "PUT", f"/v1/kv/cicd/{PROJECT}/hosts/web{number}", json.dumps(said))

    async def watch(self, session: aiohttp.ClientSession, number: int, begun: asyncio.Semaphore) -> None:
        """Wait for what is wanted, as `consul watch` does, and report once when it changed."""
        index = 0
        while True:
            path = f"/v1/kv/cicd/{PROJECT}/wanted/?recurse&index={index}&wait=600s"
            async with session.get(f"{self.url}{path}") as answer:
                self.cost.got += len(await answer.read())
                now = int(answer.headers["X-Consul-Index"])
            if index and now != index:
                self.cost.wakes += 1
                await self.tell(session, number, now)
            if not index:
                begun.release()
            index = now

    async def each(self, one: Any) -> None:
        """Do *one* for every host, some at a time."""
        room = asyncio.Semaphore(64)

        async def bounded(number: int) -> None:
            async with room:
                await one(number)

        await asyncio.gather(*(bounded(number) for number in range(self.hosts)))

    async def index(self, session: aiohttp.ClientSession) -> int:
        """Return how many writes Consul's log has."""
        told = json.loads(await self.ask(session, "GET", "/v1/agent/self"))
        return int(told["Stats"]["raft"]["last_log_index"])

    async def want(self, session: aiohttp.ClientSession, generation: int) -> None:
        lines = f"package={PROJECT}\nversion=1.0-1.abcdef0\ngeneration={generation}\nrollout=open\nhold=\n"
        await self.ask(session, "PUT", f"{WANTED}/production", lines)


async def measure(fleet: Fleet) -> dict[str, float]:
    """Let the fleet be idle for one run of each host, then deploy to it once."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        await fleet.want(session, 1)
        await fleet.enter(session)
        begun = asyncio.Semaphore(0)
        watches = [asyncio.create_task(fleet.watch(session, n, begun)) for n in range(fleet.hosts)]
        for _ in watches:
            await begun.acquire()
        await fleet.each(lambda number: fleet.minute(session, number))
        await _settled(fleet, session)
        idle = await _idle(fleet, session)
        deploy = await _deploy(fleet, session)
        for task in watches:
            task.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    return {**idle, **deploy}


async def _settled(fleet: Fleet, session: aiohttp.ClientSession) -> None:
    """Wait until the agent has told the servers of every check."""
    known = -1
    while known != (known := await fleet.index(session)):
        await asyncio.sleep(5)


async def _idle(fleet: Fleet, session: aiohttp.ClientSession) -> dict[str, float]:
    before, fleet.cost = await fleet.index(session), Cost()
    began = time.monotonic()
    await fleet.each(lambda number: fleet.minute(session, number))
    took, cost = time.monotonic() - began, fleet.cost
    return {
        "idle: writes a minute": await fleet.index(session) - before,
        "idle: requests a host and minute": cost.requests / fleet.hosts,
        "idle: bytes a host and minute": (cost.sent + cost.got) / fleet.hosts,
        "idle: woken watches a minute": cost.wakes,
        "seconds that one run of every host took": took,
    }


async def _deploy(fleet: Fleet, session: aiohttp.ClientSession) -> dict[str, float]:
    before, fleet.cost = await fleet.index(session), Cost()
    began = time.monotonic()
    await fleet.want(session, 2)
    while fleet.cost.wakes < fleet.hosts:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    cost = fleet.cost
    return {
        "deploy: writes": await fleet.index(session) - before,
        "deploy: woken watches": cost.wakes,
        "deploy: bytes a host": (cost.sent + cost.got) / fleet.hosts,
        "deploy: seconds until every host was woken": time.monotonic() - began - 1,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    hosts = parser.parse_args().hosts
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    rows = []
    for old in (True, False):
        with tempfile.TemporaryDirectory() as folder, server(Path(folder), files * 3 // 4) as url:
            found = asyncio.run(measure(Fleet(url, hosts, old)))
        name = "every report" if old else "what is new"
        rows += [report.row(f"{what} ({name})", "", [value]) for what, value in found.items()]
    report.write("fleet", [report.row("hosts", "", [hosts]), *rows], {})


if __name__ == "__main__":
    main()
