"""The event stream: whoever listens hears what happens from then on; nothing is kept."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

Event = tuple[str, Any]
LIMIT = 10_000


class Events:
    """What one listener has not read yet; one that does not read loses events. For one event loop's use."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def add(self, event: Event | None) -> None:
        """Hand over an event, or the end; any thread may."""
        self._loop.call_soon_threadsafe(self._put, event)

    async def next(self) -> Event | None:
        """Wait for the next event; None when no more will come."""
        return await self._queue.get()

    def _put(self, event: Event | None) -> None:
        if event is None or self._queue.qsize() < LIMIT:
            self._queue.put_nowait(event)


class Stream:
    """A set of listeners."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Events] = []
        self._closed = False

    def listen(self) -> Events:
        """Begin to listen, in the running event loop."""
        listener = Events()
        with self._lock:
            self._listeners.append(listener)
            if self._closed:
                listener.add(None)
        return listener

    def leave(self, listener: Events) -> None:
        """Stop listening."""
        with self._lock:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Let every listener hear the end."""
        with self._lock:
            self._closed = True
        self._tell(None)

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, name: str, body: Any) -> None:
        """Tell every listener."""
        self._tell((name, body))

    def _tell(self, event: Event | None) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.add(event)
