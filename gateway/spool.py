"""Every event, on disk before it is acknowledged, until StackStorm has it."""

from __future__ import annotations

import errno
import fcntl
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.reduce import Event

REPEAT_SECONDS = 24 * 3600
KEPT_SECONDS = 30 * 24 * 3600
RAW_LIMIT = 1024**2  # of a larger event only what goes on is kept
SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    key TEXT NOT NULL,
    lane TEXT NOT NULL,
    trace TEXT NOT NULL,
    body TEXT NOT NULL,
    received REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',  -- waiting, forwarded, parked or ignored
    reason TEXT NOT NULL DEFAULT '',
    raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS event_key ON event (source, key);
CREATE INDEX IF NOT EXISTS event_delivery ON event (source, delivery);
CREATE INDEX IF NOT EXISTS event_state ON event (state, lane, id);
CREATE INDEX IF NOT EXISTS event_waiting ON event (id) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS press (key TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (state TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS event_added AFTER INSERT ON event BEGIN
    INSERT INTO tally VALUES (new.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER IF NOT EXISTS event_settled AFTER UPDATE OF state ON event BEGIN
    UPDATE tally SET number = number - 1 WHERE state = old.state;
    INSERT INTO tally VALUES (new.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER IF NOT EXISTS event_forgotten AFTER DELETE ON event BEGIN
    UPDATE tally SET number = number - 1 WHERE state = old.state;
END;
"""
# A spool of before the tally; afterwards its triggers keep it.
COUNT = """
INSERT INTO tally SELECT state, count(*) FROM event WHERE NOT EXISTS (SELECT 1 FROM tally) GROUP BY state
"""
# Numbered, because to bind by name takes as long as the insertion itself.
INSERT = """
INSERT INTO event (source, delivery, key, received, lane, trace, body, raw, state, reason)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
"""
# Two questions, because SQLite answers one with OR by reading every event of the source.
INSERT_NEW = f"""{INSERT}
WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE source = ?1 AND delivery = ?2 AND state IN ('waiting', 'forwarded')
) AND NOT EXISTS (
    SELECT 1 FROM event
    WHERE source = ?1 AND key = ?3 AND key != '' AND state IN ('waiting', 'forwarded')
      AND received > ?4 - {REPEAT_SECONDS}
)
"""
FORGET = """
DELETE FROM event WHERE id IN (
    SELECT id FROM event WHERE state IN ('forwarded', 'parked', 'ignored') AND received < ? LIMIT 100
)
"""
# What was pressed when the gateway was killed may never have begun.
BEGUN = "begun "
SENT, PRESSED = "it was sent already", "it was pressed already"
LET_GO = f"DELETE FROM press WHERE key LIKE '{BEGUN}%'"
NEXT = """
SELECT id, source, delivery, lane, trace, body FROM event
WHERE state = 'waiting' AND lane = ? AND id > ? ORDER BY id LIMIT 1
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


class SpoolError(Exception):
    """The spool cannot be used; the text says why."""


class Spool:
    """
    The events of one gateway.

    What changes it stands between `begin` and `commit` or `rollback`; what reads it sees what is committed.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._lock = _locked(path.with_name(f"{path.name}.lock"))
        except OSError as error:
            raise SpoolError(f"the spool {path} cannot be opened: {error.strerror}") from None
        try:
            self._changes, self._reads = _open(path), _open(path)
        except sqlite3.Error as error:
            self._lock.close()
            raise SpoolError(f"the spool {path} cannot be opened: {error}") from None

    def begin(self) -> None:
        """Begin to change the spool; sqlite3.OperationalError at once when another process is changing it."""
        self.rollback()
        self._changes.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Have on disk what was changed since `begin`."""
        self._changes.execute("COMMIT")

    def rollback(self) -> None:
        """Forget what was changed since `begin`."""
        if self._changes.in_transaction:
            self._changes.execute("ROLLBACK")

    def accept(self, source: str, delivery: str, event: Event, raw: bytes) -> bool:
        """Store *event*; False when this delivery, or the same happening, is known already."""
        body = orjson.dumps(event.body).decode()
        state = "ignored" if event.ignored else "waiting"
        kept = raw if len(raw) <= RAW_LIMIT else b""
        told = (source, delivery, event.key, time.time(), event.lane, event.trace, body, kept)
        statement = INSERT if event.ignored else INSERT_NEW
        return self._changes.execute(statement, (*told, state, event.ignored)).rowcount == 1

    def settle(self, identifier: int, state: str, reason: str = "") -> None:
        """Record that event *identifier* is `forwarded`, or `parked` for *reason*."""
        update = "UPDATE event SET state = ?, reason = ? WHERE id = ?"
        self._changes.execute(update, (state, reason, identifier))

    def press(self, signed: str, button: str) -> str:
        """Remember a request *signed* so, and its *button* if any; or return which is known already."""
        keys = [f"signature {signed}", *([f"{BEGUN}{button}"] if button else [])]
        known = "SELECT max(key LIKE 'signature %') FROM press WHERE key IN (?, ?, ?)"
        (is_sent_again,) = self._changes.execute(known, (keys[0], keys[-1], button)).fetchone()
        if is_sent_again is not None:
            return SENT if is_sent_again else PRESSED
        self._changes.execute("DELETE FROM press WHERE at < ?", (time.time() - KEPT_SECONDS,))
        self._remember(keys)
        return ""

    def settle_press(self, button: str, stays: bool) -> None:
        """Note what became of a press: the *button* *stays* pressed, or can be pressed again."""
        self._changes.execute("DELETE FROM press WHERE key = ?", (f"{BEGUN}{button}",))
        self._remember([button] if stays else [])

    def _remember(self, keys: Sequence[str]) -> None:
        pressed = [(key, time.time()) for key in keys]
        self._changes.executemany("INSERT OR REPLACE INTO press VALUES (?, ?)", pressed)

    def forget(self) -> int:
        """Drop some of what is settled and 30 days old, and return how many; 0 when nothing is left."""
        return self._changes.execute(FORGET, (time.time() - KEPT_SECONDS,)).rowcount

    def lanes(self) -> list[str]:
        """Return the lanes in which events wait."""
        query = "SELECT DISTINCT lane FROM event WHERE state = 'waiting'"
        return [lane for (lane,) in self._reads.execute(query)]

    def next(self, lane: str, after: int = 0) -> Stored | None:
        """Return the oldest event that waits in *lane* and came later than event *after*."""
        row = self._reads.execute(NEXT, (lane, after)).fetchone()
        return Stored(*row) if row else None

    def counts(self) -> dict[str, int]:
        """Return how many events are in which state."""
        return dict(self._reads.execute("SELECT state, number FROM tally WHERE number > 0").fetchall())

    def oldest_seconds(self) -> float:
        """Return for how long the oldest waiting event has waited, in seconds."""
        query = "SELECT received FROM event WHERE state = 'waiting' ORDER BY id LIMIT 1"
        row = self._reads.execute(query).fetchone()
        return max(0.0, time.time() - row[0]) if row else 0.0

    def close(self) -> None:
        """Close the file."""
        self._changes.close()
        self._reads.close()
        self._lock.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.executescript(SCHEMA)
    database.execute(COUNT)
    database.execute(LET_GO)
    return database


def _locked(path: Path) -> Any:
    # Two gateways on one spool would forward everything twice.
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise OSError(errno.EBUSY, "another gateway uses it") from None
    return lock
