"""Sends requests as fast as they are answered, or at a steady rate, and takes the time of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence


class Connection(asyncio.Protocol):
    """One connection that is kept; `ask` sends one request and waits for its answer."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes]
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes) -> None:
        """Send *request*; RuntimeError when the answer is not 202."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received = b""
        self.transport.write(request)
        answer = await self._answer
        if not answer.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(answer[:200].decode())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, content = self._received.partition(b"\r\n\r\n")
        if end and len(content) >= _length(head):
            self._answer.set_result(self._received)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the connection was closed"))


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n")[0])


async def burst(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, list[float]]:
    """Send *requests* over *connections* at once and return requests/s and the seconds of each."""
    waiting, took = list(reversed(requests)), []

    async def work(connection: Connection) -> None:
        while waiting:
            request, began = waiting.pop(), time.perf_counter()
            await connection.ask(request)
            took.append(time.perf_counter() - began)

    opened = await _open(port, connections)
    began = time.perf_counter()
    await asyncio.gather(*[work(connection) for connection in opened])
    rate = len(requests) / (time.perf_counter() - began)
    _close(opened)
    return rate, took


async def steady(port: int, requests: Sequence[bytes], rate: float, connections: int) -> list[float]:
    """
    Send *requests* at *rate* a second and return the seconds from when each was due to its answer.

    What waits for a free connection waits on the clock, too, so that a stall shows in all it delays.
    """
    opened = await _open(port, connections)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in opened:
        free.put_nowait(connection)
    began = time.perf_counter()

    async def send(request: bytes, due: float) -> float:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await free.get()
        await connection.ask(request)
        free.put_nowait(connection)
        return time.perf_counter() - due

    took = await asyncio.gather(
        *[send(request, began + number / rate) for number, request in enumerate(requests)]
    )
    _close(opened)
    return took


async def _open(port: int, connections: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(connections)]


def _close(connections: Sequence[Connection]) -> None:
    for connection in connections:
        connection.transport.close()
