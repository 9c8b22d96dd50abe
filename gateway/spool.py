"""Every accepted event, on disk before it is acknowledged, until StackStorm has it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.reduce import Event

REMEMBERED_SECONDS = 24 * 3600
SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    key TEXT NOT NULL,
    lane TEXT NOT NULL,
    trace TEXT NOT NULL,
    body TEXT NOT NULL,
    raw BLOB NOT NULL,
    received REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',  -- waiting, forwarded or parked
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS event_key ON event (source, key);
CREATE INDEX IF NOT EXISTS event_delivery ON event (source, delivery);
CREATE INDEX IF NOT EXISTS event_state ON event (state, lane, id);
"""


@dataclass(frozen=True)
class Stored:
    """One event that waits to be forwarded."""

    id: int
    source: str
    delivery: str
    lane: str
    trace: str
    body: str


class Spool:
    """The events of one gateway."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)

    def accept(self, source: str, delivery: str, event: Event, raw: bytes) -> bool:
        """Store *event* durably; False when this delivery, or the same happening, is known already."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            known = self._is_known(source, delivery, event.key)
            if not known:
                self._insert(source, delivery, event, raw)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return not known

    def waiting(self) -> Iterator[Stored]:
        """Yield the oldest waiting event of every lane."""
        query = (
            "SELECT id, source, delivery, lane, trace, body FROM event WHERE id IN "
            "(SELECT min(id) FROM event WHERE state = 'waiting' GROUP BY lane) ORDER BY id"
        )
        yield from (Stored(*row) for row in self._database.execute(query).fetchall())

    def settle(self, identifier: int, state: str, reason: str = "") -> None:
        """Record that event *identifier* is `forwarded`, or `parked` for *reason*."""
        self._database.execute(
            "UPDATE event SET state = ?, reason = ? WHERE id = ?", (state, reason[:500], identifier)
        )

    def counts(self) -> dict[str, int]:
        """Return how many events are in which state."""
        return dict(self._database.execute("SELECT state, count(*) FROM event GROUP BY state").fetchall())

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _is_known(self, source: str, delivery: str, key: str) -> bool:
        query = (
            "SELECT 1 FROM event WHERE source = ? AND (delivery = ? OR key = ?) "
            "AND state != 'parked' AND received > ? LIMIT 1"
        )
        since = time.time() - REMEMBERED_SECONDS
        return self._database.execute(query, (source, delivery, key, since)).fetchone() is not None

    def _insert(self, source: str, delivery: str, event: Event, raw: bytes) -> None:
        self._database.execute(
            "INSERT INTO event (source, delivery, key, lane, trace, body, raw, received) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (source, delivery, event.key, event.lane, event.trace, json.dumps(event.body), raw, time.time()),
        )
