"""
What the status page costs: 100 projects, 1,000 hosts and 50 open pages, beside a real Consul.

An open page reads the events and, at each, the list of all projects again, as its script does in a browser.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import requests
import yaml

# StackStorm alone has actions/lib on its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from bench import report
from bench.process import cpu_seconds, resident
from cicd import config
from cicd.release import transitions
from cicd.release.record import Build
from cicd.store.store import Cause, Store
from tests.conftest import free_port, server

ROOT = Path(__file__).resolve().parents[1]
HOSTS_A_PROJECT = 10
IDLE_SECONDS = 60


class Site:
    """Projects and their hosts in the Consul at *url*, and the page that shows them."""

    def __init__(self, url: str, folder: Path, projects: int) -> None:
        example = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
        self.names = [f"project{number}" for number in range(projects)]
        named = {name: {"repository": f"acme/{name}"} for name in self.names}
        values = {**example, "consul": {"url": url}, "projects": named}
        self._consul, self._store = url, Store(config.parse(values))
        (folder / "cicd.yaml").write_text(yaml.safe_dump(values))
        port = free_port()
        described = {"pack": f"{folder}/cicd.yaml", "listen": {"port": port}}
        (folder / "status.yaml").write_text(yaml.safe_dump(described))
        self._argv = [sys.executable, "-m", "status", "--config", f"{folder}/status.yaml"]
        self.page = f"http://127.0.0.1:{port}"

    def fill(self) -> None:
        """Write the record of each project and register its hosts."""
        for number, name in enumerate(self.names):
            self.advertise(name, 1)
            for host in range(HOSTS_A_PROJECT):
                self._register(name, f"web{number}-{host}", "canary" if not host else "")

    def advertise(self, name: str, commits: int) -> str:
        """Let the canary of *name* want the next version, and return that."""
        build = Build(f"1.0-{commits}.{commits:07x}", name, f"{commits:040x}", "0" * 64, f"acme/{name}@x")

        def advertised(known: transitions.Release) -> transitions.Release:
            return transitions.advertise_canary(known, build, time.time())

        self._store.change(name, "advertise_canary", "canary", Cause("ann", "bench", time.time()), advertised)
        return build.version

    def _register(self, name: str, node: str, ring: str) -> None:
        tags = [f"{name}::app", *([f"{name}::app_{ring}"] if ring else [])]
        service = {"ID": name, "Service": name, "Tags": tags, "Port": 8080}
        check = {"Name": "answers", "Status": "passing", "ServiceID": name}
        body = {"Node": node, "Address": "10.0.0.1", "Service": service, "Check": check}
        requests.put(f"{self._consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()

    @asynccontextmanager
    async def shown(self, session: aiohttp.ClientSession) -> AsyncIterator[int]:
        """Run the page within this context, and yield its process's number once all projects are there."""
        with subprocess.Popen(self._argv, cwd=ROOT) as running:
            while len(await self._listed(session)) < len(self.names):
                await asyncio.sleep(0.2)
            try:
                yield running.pid
            finally:
                running.terminate()

    async def _listed(self, session: aiohttp.ClientSession) -> list[object]:
        with suppress(aiohttp.ClientConnectionError):
            async with session.get(f"{self.page}/api/projects") as answer:
                return list((await answer.json())["projects"])
        return []


async def look_on(session: aiohttp.ClientSession, page: str) -> None:
    """Follow the list of all projects until cancelled."""
    async with session.get(f"{page}/events") as events:
        async for line in events.content:
            if line.startswith(b"data:"):
                async with session.get(f"{page}/") as answer:
                    await answer.read()


async def seconds_until_shown(session: aiohttp.ClientSession, site: Site, name: str, version: str) -> float:
    """Return after how long the page of *name* has *version*, from the moment it was written."""
    began = time.monotonic()
    while True:
        async with session.get(f"{site.page}/projects/{name}") as answer:
            if version in await answer.text():
                return time.monotonic() - began
        await asyncio.sleep(0.02)


async def measure(site: Site, pages: int, changes: int) -> list[dict[str, object]]:
    """Return the rows of the report."""
    limit, connector = aiohttp.ClientTimeout(total=None), aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(timeout=limit, connector=connector) as session,
        site.shown(session) as pid,
    ):
        open_pages = [asyncio.create_task(look_on(session, site.page)) for _ in range(pages)]
        await asyncio.sleep(5)
        before = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        idle = cpu_seconds(pid) - before
        before, waits = cpu_seconds(pid), []
        for number in range(changes):
            name = site.names[number * 7 % len(site.names)]
            version = await asyncio.to_thread(site.advertise, name, number + 2)
            waits.append(await seconds_until_shown(session, site, name, version))
        busy, memory = cpu_seconds(pid) - before, resident(pid)
        for task in open_pages:
            task.cancel()
    return [
        report.row(
            f"{pages} pages of {len(site.names)} projects, idle", "% of a core", [100 * idle / IDLE_SECONDS]
        ),
        report.row("a change is on the page after", "s", waits),
        report.row("processor time for each change", "s", [busy / changes]),
        report.row("memory", "MiB", [memory]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.status", description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--changes", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        site = Site(url, Path(folder), arguments.projects)
        site.fill()
        rows = asyncio.run(measure(site, arguments.pages, arguments.changes))
    report.write("status", rows, {})


if __name__ == "__main__":
    main()
