"""What the gateway is compared with: the same server that only verifies, and one that only answers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from gateway import body, config
from gateway.config import Config
from gateway.listen import listening
from gateway.signature import is_signed


def application(kind: str, settings: Config) -> web.Application:
    """Return the application that is `verify` or `answer`."""

    reader = body.Reader()

    async def verify(request: web.Request) -> web.Response:
        raw = await reader.receive(request, settings.read_seconds)
        signature = request.headers.get("X-Hub-Signature-256")
        status = 202 if is_signed(raw, signature, settings.github.secrets) else 401
        return web.json_response({"decision": "accepted"}, status=status)

    async def answer(request: web.Request) -> web.Response:
        await reader.receive(request, settings.read_seconds)
        return web.json_response({"decision": "accepted"}, status=202)

    made = web.Application(client_max_size=body.SIZE_LIMIT)
    made.add_routes([web.post("/github", verify if kind == "verify" else answer)])
    return made


async def stackstorm(port: int) -> None:
    """Serve a webhook that takes everything, in as little time as Python can."""
    server = await asyncio.get_running_loop().create_server(Taker, "127.0.0.1", port)
    await server.serve_forever()


class Taker(asyncio.Protocol):
    """Answers 202 to each request."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, content = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]) if end else 0
        if end and len(content) >= length:
            self._received = content[length:]
            self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")


async def _serve(kind: str, settings: Config) -> None:
    async with listening(application(kind, settings), settings):
        await asyncio.Event().wait()


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    asyncio.run(stackstorm(int(where)) if kind == "stackstorm" else _serve(kind, config.read(Path(where))))
