"""Hands stored events to StackStorm, in order within a lane, until it has accepted them."""

from __future__ import annotations

import asyncio

import aiohttp

from gateway.config import Config
from gateway.spool import Spool, Stored

FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0
TIMEOUT = aiohttp.ClientTimeout(total=15)


class Forwarder:
    """Works off the spool; `wake` tells it that something new is there."""

    def __init__(self, config: Config, spool: Spool) -> None:
        self._config = config
        self._spool = spool
        self._new = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look into the spool now."""
        self._new.set()

    async def run(self) -> None:
        """Forward for ever; cancel to stop, nothing is lost by it."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            try:
                while True:
                    self._new.clear()
                    self._start_lanes(session)
                    await self._new.wait()
            finally:
                for task in self._busy.values():
                    task.cancel()
                await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _start_lanes(self, session: aiohttp.ClientSession) -> None:
        for event in self._spool.waiting():
            if event.lane not in self._busy:
                self._busy[event.lane] = asyncio.create_task(self._deliver(session, event))

    async def _deliver(self, session: aiohttp.ClientSession, event: Stored) -> None:
        delay = FIRST_DELAY
        try:
            while not await self._settled(session, event):
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
        finally:
            del self._busy[event.lane]
            self._new.set()

    async def _settled(self, session: aiohttp.ClientSession, event: Stored) -> bool:
        url = f"{self._config.api_url}/webhooks/cicd/{event.source}"
        try:
            async with session.post(url, data=event.body, headers=self._headers(event)) as answer:
                if answer.status < 300:
                    self._spool.settle(event.id, "forwarded")
                elif answer.status == 400:
                    self._spool.settle(event.id, "parked", await answer.text())
                return answer.status < 300 or answer.status == 400
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _headers(self, event: Stored) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "St2-Api-Key": self._config.api_key}
        if event.trace:
            headers["St2-Trace-Tag"] = event.trace
        if event.source == "github":
            headers |= {"X-GitHub-Event": "push", "X-GitHub-Delivery": event.delivery}
        return headers
