"""The listening side: how many may be connected, and for how long each may keep the gateway waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.config import Config

STOP_SECONDS = 5


class Limited:
    """Makes the protocol of each connection; those over *limit* are closed at once, and counted."""

    def __init__(self, server: web.Server, limit: int) -> None:
        self._server = server
        self._limit = limit
        self.refused = 0

    def __call__(self) -> asyncio.BaseProtocol:
        if len(self._server.connections) < self._limit:
            return self._server()
        self.refused += 1
        return Refused()


class Refused(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


@asynccontextmanager
async def listening(application: web.Application, config: Config) -> AsyncIterator[tuple[int, Limited]]:
    """Serve *application* within this context and yield the port and the limit; OSError when it cannot."""
    # The signature is over what was sent, so nothing is unpacked; and who opens a connection and sends
    # no complete request is cut off as soon as one who is slow with a body.
    runner = web.AppRunner(
        application,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=config.read_seconds,
        lingering_time=config.read_seconds,
        shutdown_timeout=STOP_SECONDS,
    )
    await runner.setup()
    assert runner.server
    limited = Limited(runner.server, config.connections)
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(limited, config.host, config.port, backlog=1024)
        try:
            yield server.sockets[0].getsockname()[1], limited
        finally:
            server.close()
    finally:
        await runner.cleanup()
