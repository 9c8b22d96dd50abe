"""The listening side: how many may be connected, and for how long each may keep the gateway waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.config import Config

STOP_SECONDS = 5


class Connections:
    """
    Makes the protocol of each connection; when *limit* are open, one that sends nothing whole makes room.

    It is the oldest one of the address that has the most: whoever opens many closes his own.
    """

    def __init__(self, server: web.Server, limit: int) -> None:
        self._server = server
        self._limit = limit
        self._answering: set[object] = set()
        self.closed = 0

    def __call__(self) -> asyncio.BaseProtocol:
        # What was closed in this turn of the event loop is still counted by the server.
        known = [one for one in self._server.connections if one.transport is not None]
        if len(known) < self._limit:
            return self._server()
        self.closed += 1
        waiting = [one for one in known if one not in self._answering]
        if not waiting:
            return Refused()
        _oldest_of_the_most_frequent(waiting).force_close()
        return self._server()

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """Keep the connection of *request*, which came whole, until it is answered."""
        self._answering.add(request.protocol)
        try:
            yield
        finally:
            self._answering.discard(request.protocol)


class Refused(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


@asynccontextmanager
async def listening(application: web.Application, config: Config) -> AsyncIterator[tuple[int, Connections]]:
    """Serve *application* within this context and yield port and connections; OSError when it cannot."""
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
    connections = Connections(runner.server, config.connections)
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(connections, config.host, config.port, backlog=1024)
        try:
            yield server.sockets[0].getsockname()[1], connections
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _oldest_of_the_most_frequent(waiting: list[RequestHandler]) -> RequestHandler:
    addresses = [_address(one) for one in waiting]
    most = Counter(addresses).most_common(1)[0][0]
    return waiting[addresses.index(most)]


def _address(connection: RequestHandler) -> str:
    peer = connection.transport.get_extra_info("peername") if connection.transport else None
    return str(peer[0]) if peer else ""
