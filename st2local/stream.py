"""The event stream: whoever listens hears what happens from then on; nothing is kept."""

from __future__ import annotations

import queue
import threading
from typing import Any

Event = tuple[str, Any]
LIMIT = 10_000


class Stream:
    """A set of listeners, each with a queue of its own; one that does not read loses events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[queue.Queue[Event]] = []

    def listen(self) -> queue.Queue[Event]:
        """Begin to listen."""
        listener: queue.Queue[Event] = queue.Queue(LIMIT)
        with self._lock:
            self._listeners.append(listener)
        return listener

    def leave(self, listener: queue.Queue[Event]) -> None:
        """Stop listening."""
        with self._lock:
            self._listeners.remove(listener)

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, name: str, body: Any) -> None:
        """Tell every listener."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            if not listener.full():
                listener.put((name, body))
