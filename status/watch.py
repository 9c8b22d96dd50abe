"""Questions to Consul that are answered once something changed."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import aiohttp

from cicd.config import Settings
from cicd.release.record import EVERYTHING

WAIT_SECONDS = 300
RETRY_SECONDS = 2.0
BETWEEN_SECONDS = 0.5  # a prefix without a key is answered at each write of anybody
MOST_PROJECTS = 100  # Consul lets one client have 200 connections
KEYS = {"keys": "", "separator": "/"}  # few words, whatever is below
LIMIT = aiohttp.ClientTimeout(total=WAIT_SECONDS * 1.25, connect=10)


@dataclass(frozen=True)
class Question:
    """A path of Consul's API, and what is asked of it."""

    path: str
    words: dict[str, str]


class Watch:
    """A client of Consul for as long as its `with` block lasts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.consul.url.rstrip("/")

    async def __aenter__(self) -> Watch:
        consul = self._settings.consul
        token = Path(consul.token_file).read_text().strip() if consul.token_file else ""
        trusted = ssl.create_default_context(cafile=consul.ca_file or None)
        headers = {"X-Consul-Token": token} if token else {}
        connector = aiohttp.TCPConnector(limit=0, ssl=trusted)
        self._session = aiohttp.ClientSession(headers=headers, connector=connector, timeout=LIMIT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def questions(self) -> Iterator[tuple[Question, set[str]]]:
        """Yield each question, with the projects of which something changed when its answer does."""
        projects = self._settings.projects
        if len(projects) > MOST_PROJECTS:
            yield Question("/v1/kv/cicd/", KEYS), set(projects)
        else:
            yield Question(f"/v1/kv/cicd/{EVERYTHING}/", KEYS), set(projects)
            for name in projects:
                yield Question(f"/v1/kv/cicd/{name}/", KEYS), {name}

    @property
    def datacenters(self) -> set[str]:
        """The datacentres in which projects have hosts; the empty one has the records."""
        return {
            "",
            *(one for project in self._settings.projects.values() for one in project.lifecycle.datacenters),
        }

    async def follow_health(self, datacenter: str, changed: Callable[[set[str]], None]) -> None:
        """Call *changed* with the services of which a check began or ceased to fail, until cancelled."""
        words = {"dc": datacenter} if datacenter else {}
        failing: set[tuple[str, str]] = set()

        def compare(body: bytes) -> None:
            nonlocal failing
            now = {(check["Node"], check["ServiceName"]) for check in json.loads(body)}
            changed({service for _, service in now ^ failing})
            failing = now

        await self.follow(Question("/v1/health/state/critical", words), compare)

    async def follow(self, question: Question, changed: Callable[[bytes], None]) -> None:
        """Call *changed* with the answer to *question* whenever it is another one, until cancelled."""
        index = 0
        while True:
            try:
                newer, body = await self._ask(question, index)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                index = 0  # whoever reads says why it cannot
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if newer != index:
                changed(body)
            index = newer if newer >= index else 0  # Consul's index may begin anew
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _ask(self, question: Question, index: int) -> tuple[int, bytes]:
        words = {**question.words, "index": str(index), "wait": f"{WAIT_SECONDS}s"}
        async with self._session.get(f"{self._url}{question.path}", params=words) as answer:
            if answer.status not in (200, 404):
                raise ValueError(answer.status)
            return int(answer.headers.get("X-Consul-Index") or 0), await answer.read()
