"""Questions to Consul that are answered once something changed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import aiohttp

from cicd.config import Project, Settings
from cicd.release.record import EVERYTHING

WAIT_SECONDS = 300
RETRY_SECONDS = 2.0
BETWEEN_SECONDS = 0.5  # a prefix without a key is answered at each write of anybody
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

    def questions(self, project: Project) -> Iterator[Question]:
        """Ask after all that is recorded of *project*, and after its hosts, wherever its rings are."""
        yield Question(f"/v1/kv/cicd/{project.name}/", {"keys": "", "separator": "/"})
        for datacenter in ("", *project.lifecycle.datacenters):
            words = {"dc": datacenter} if datacenter else {}
            yield Question(f"/v1/health/service/{self._settings.service_name(project)}", words)

    def questions_of_all(self) -> Iterator[Question]:
        """Ask after what holds every project."""
        yield Question(f"/v1/kv/cicd/{EVERYTHING}/", {"keys": "", "separator": "/"})

    async def follow(self, question: Question, changed: Callable[[], None]) -> None:
        """Call *changed* whenever the answer to *question* is another one, until cancelled."""
        index = 0
        while True:
            try:
                newer = await self._ask(question, index)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                changed()  # what reads says why it cannot
                index = 0
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if newer != index:
                changed()
            index = newer if newer >= index else 0  # Consul's index may begin anew
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _ask(self, question: Question, index: int) -> int:
        words = {**question.words, "index": str(index), "wait": f"{WAIT_SECONDS}s"}
        async with self._session.get(f"{self._url}{question.path}", params=words) as answer:
            if answer.status not in (200, 404):
                raise ValueError(answer.status)
            await answer.read()
            return int(answer.headers.get("X-Consul-Index") or 0)
