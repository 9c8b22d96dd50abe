"""Hands stored events to StackStorm, in order within a lane, until it has accepted them."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from gateway.audit import Audit, Decision
from gateway.config import Config
from gateway.spool import Spool, Stored
from gateway.writer import Writer

FIRST_DELAY, LONGEST_DELAY = 0.2, 15.0
POST_SECONDS = 15
# In a burst, who waits for an answer comes before who waits for the next event.
COURTESY_SECONDS = 0.2
REASON_BYTES = 500
# What comes from GitHub goes to one webhook, where rules tell it apart by GitHub's own header.
GITHUB_EVENTS = {"github": "push", "github_run": "workflow_run"}


@dataclass(frozen=True)
class Note:
    """That an event of *lane* is settled: its state, and why."""

    lane: str
    state: str
    reason: str


class Forwarder:
    """One task per lane in which events wait; `wake` starts it."""

    def __init__(self, config: Config, spool: Spool, writer: Writer, audit: Audit) -> None:
        self._config = config
        self._spool = spool
        self._writer = writer
        self._audit = audit
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._is_refused = False
        self._unnoted: dict[int, Note] = {}
        self._noting: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self.failures = 0

    def reload(self, config: Config) -> None:
        """Forward as *config* says from now on."""
        self._config = config

    async def start(self) -> None:
        """Go on with what waits in the spool."""
        timeout = aiohttp.ClientTimeout(total=POST_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        for lane in self._spool.lanes():
            self.wake(lane)

    async def stop(self) -> None:
        """Let the posts under way end; what waits stays in the spool."""
        self._stopping.set()
        tasks = [*self._lanes.values(), *([self._noting] if self._noting else [])]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def wake(self, lane: str) -> None:
        """Something new waits in *lane*."""
        if lane not in self._lanes and not self._stopping.is_set():
            self._lanes[lane] = asyncio.create_task(self._work_off(lane))

    async def _work_off(self, lane: str) -> None:
        delay = FIRST_DELAY
        try:
            while not self._stopping.is_set() and (event := self._next(lane)):
                if self._writer.is_busy:
                    await self._pause(COURTESY_SECONDS)
                if await self._is_settled(event):
                    delay = FIRST_DELAY
                else:
                    await self._pause(delay)
                    delay = min(delay * 2, LONGEST_DELAY)
        finally:
            del self._lanes[lane]

    def _next(self, lane: str) -> Stored | None:
        try:
            # In a lane all goes in order: what is taken and not noted comes before what still waits.
            taken = [number for number, note in self._unnoted.items() if note.lane == lane]
            return self._spool.next(lane, after=max(taken, default=0))
        except sqlite3.Error as error:
            _say(f"the spool cannot be read: {error}; what waits goes on with the next event or start")
            return None

    async def _is_settled(self, event: Stored) -> bool:
        try:
            status, text = await self._post(event)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._failed(type(error).__name__)
        if 200 <= status < 300:
            self._succeeded()
            await self._settle(event, "forwarded", "")
        elif status == 400:
            self._audit.record(_parking(event))
            await self._settle(event, "parked", text)
        else:
            return self._failed(f"HTTP {status}")
        return True

    async def _post(self, event: Stored) -> tuple[int, str]:
        assert self._session, "started before anything is forwarded"
        webhook = "github" if event.source in GITHUB_EVENTS else event.source
        url = f"{self._config.api_url}/webhooks/cicd/{webhook}"
        headers = _headers(event, self._config.api_key)
        # A redirection would carry the key to another host.
        async with self._session.post(url, data=event.body, headers=headers, allow_redirects=False) as answer:
            text = await answer.content.read(REASON_BYTES) if answer.status == 400 else b""
            return answer.status, text.decode("utf-8", "replace")

    async def _settle(self, event: Stored, state: str, reason: str) -> None:
        """Note what StackStorm said; on a full disk that is tried again while later events go on."""
        note = {event.id: Note(event.lane, state, reason)}
        self._unnoted |= note
        if not await self._is_noted(note) and self._noting is None:
            self._noting = asyncio.create_task(self._note_later())

    async def _note_later(self) -> None:
        while not self._stopping.is_set():
            await self._pause(LONGEST_DELAY)
            if await self._is_noted(dict(self._unnoted)):
                break
        self._noting = None

    async def _is_noted(self, notes: Mapping[int, Note]) -> bool:
        try:
            await self._writer.do(functools.partial(_write, self._spool, notes))
        except sqlite3.Error as error:
            if self._noting is None:
                _say(f"the spool cannot be written: {error}; what StackStorm took is noted later")
            return False
        for number in notes:
            self._unnoted.pop(number, None)
        return True

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _failed(self, why: str) -> bool:
        self.failures += 1
        if not self._is_refused:
            _say(f"StackStorm at {self._config.api_url} does not take events ({why}); they wait in the spool")
        self._is_refused = True
        return False

    def _succeeded(self) -> None:
        if self._is_refused:
            _say(f"StackStorm at {self._config.api_url} takes events again")
        self._is_refused = False


def _write(spool: Spool, notes: Mapping[int, Note]) -> None:
    for number, note in notes.items():
        spool.settle(number, note.state, note.reason)


def _headers(event: Stored, key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "St2-Api-Key": key}
    if event.trace:
        headers["St2-Trace-Tag"] = event.trace
    if event.source in GITHUB_EVENTS:
        headers |= {"X-GitHub-Event": GITHUB_EVENTS[event.source], "X-GitHub-Delivery": event.delivery}
    return headers


def _parking(event: Stored) -> Decision:
    repository, _, commit = event.trace.partition("@")
    reason = "StackStorm answered 400; its reason is in the spool"
    return Decision(event.source, event.delivery, "parked", reason, repository, commit)


def _say(sentence: str) -> None:
    sys.stderr.write(f"gateway: {sentence}\n")
    sys.stderr.flush()
