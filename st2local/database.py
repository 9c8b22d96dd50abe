"""The SQLite file that holds everything that must survive: one writer at a time, readers beside it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from st2local.values import Values

SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY, action TEXT, runner TEXT, pack TEXT, status TEXT, user TEXT, parent TEXT,
    workflow TEXT, rule TEXT, trigger_instance TEXT, start_timestamp TEXT, end_timestamp TEXT,
    due TEXT, process TEXT, handled INTEGER DEFAULT 0, document TEXT, result TEXT);
CREATE INDEX IF NOT EXISTS executions_by_parent ON executions (parent, start_timestamp, id);
CREATE INDEX IF NOT EXISTS executions_by_start ON executions (start_timestamp, id);
CREATE INDEX IF NOT EXISTS executions_by_action ON executions (action, start_timestamp);
CREATE INDEX IF NOT EXISTS executions_by_status ON executions (status, start_timestamp);
CREATE INDEX IF NOT EXISTS executions_active ON executions (action)
    WHERE status IN ('scheduled', 'running');
CREATE INDEX IF NOT EXISTS executions_unhandled ON executions (handled) WHERE handled = 0;
CREATE TABLE IF NOT EXISTS workflows (
    id TEXT PRIMARY KEY, execution TEXT, status TEXT, spec TEXT, graph TEXT, input TEXT, context TEXT,
    state TEXT, errors TEXT, output TEXT, notify TEXT);
CREATE INDEX IF NOT EXISTS workflows_by_execution ON workflows (execution);
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, workflow TEXT, task TEXT, route INTEGER, name TEXT, status TEXT, itemized INTEGER,
    items_count INTEGER, start_timestamp TEXT, end_timestamp TEXT, result TEXT);
CREATE INDEX IF NOT EXISTS tasks_by_workflow ON tasks (workflow, task, route);
CREATE TABLE IF NOT EXISTS output (
    execution TEXT, kind TEXT, timestamp TEXT, data TEXT);
CREATE INDEX IF NOT EXISTS output_by_execution ON output (execution);
CREATE TABLE IF NOT EXISTS trigger_instances (
    id TEXT PRIMARY KEY, trigger TEXT, trigger_type TEXT, status TEXT, occurrence_time TEXT, trace TEXT,
    payload TEXT);
CREATE INDEX IF NOT EXISTS trigger_instances_by_time ON trigger_instances (occurrence_time, id);
CREATE INDEX IF NOT EXISTS trigger_instances_pending ON trigger_instances (status) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS enforcements (
    id TEXT PRIMARY KEY, rule TEXT, trigger_instance TEXT, execution TEXT, status TEXT, enforced_at TEXT,
    failure_reason TEXT);
CREATE INDEX IF NOT EXISTS enforcements_by_rule ON enforcements (rule, enforced_at, id);
CREATE INDEX IF NOT EXISTS enforcements_by_time ON enforcements (enforced_at, id);
CREATE INDEX IF NOT EXISTS enforcements_by_instance ON enforcements (trigger_instance);
CREATE INDEX IF NOT EXISTS enforcements_by_execution ON enforcements (execution);
CREATE TABLE IF NOT EXISTS traces (id TEXT PRIMARY KEY, tag TEXT, start_timestamp TEXT);
CREATE INDEX IF NOT EXISTS traces_by_tag ON traces (tag);
CREATE INDEX IF NOT EXISTS traces_by_time ON traces (start_timestamp, id);
CREATE TABLE IF NOT EXISTS trace_components (
    trace TEXT, kind TEXT, object TEXT, ref TEXT, caused_by TEXT, updated_at TEXT);
CREATE INDEX IF NOT EXISTS trace_components_by_trace ON trace_components (trace, object);
CREATE INDEX IF NOT EXISTS trace_components_by_object ON trace_components (object, kind);
CREATE TABLE IF NOT EXISTS keys (
    scope TEXT, name TEXT, user TEXT, value TEXT, secret INTEGER, encrypted INTEGER, expires TEXT,
    PRIMARY KEY (scope, user, name));
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, user TEXT, expiry TEXT, service INTEGER);
CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY, hash TEXT UNIQUE, user TEXT, metadata TEXT, enabled INTEGER, created_at TEXT);
CREATE TABLE IF NOT EXISTS enabled (uid TEXT PRIMARY KEY, enabled INTEGER);
"""

Row = sqlite3.Row
Arguments = Sequence[Any] | Mapping[str, Any]  # of `?` and of `:name`
INCREMENTAL = 2
PAGES_AT_ONCE = 1000


def dumps(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, separators=(",", ":"))


def loads(text: str | None) -> Any:
    """Read JSON; None stays None."""
    return None if text is None else json.loads(text)


class Database:
    """Writes go through `transaction()`; inside one, reads see its own writes."""

    def __init__(self, path: Path) -> None:
        """Open (or make) the database at `path`."""
        self.path = path
        # It holds who may ask; SQLite gives its other files the same mode.
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._lock = threading.RLock()
        self._writer = self._connect()
        self._let_it_shrink()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.executescript(SCHEMA)
        self._depth = 0
        self._owner: int | None = None
        self._after: list[Callable[[], None]] = []
        # Threads come and go, so readers are lent rather than owned by one.
        self._idle: deque[sqlite3.Connection] = deque()

    def _let_it_shrink(self) -> None:
        """A file that a former version made is written anew, once: it kept the room of what was removed."""
        if self._writer.execute("PRAGMA auto_vacuum").fetchone()[0] != INCREMENTAL:
            self._writer.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            self._writer.execute("VACUUM")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept as a whole, or not at all; nests."""
        with self._lock:
            self._enter()
            try:
                yield
            except BaseException:
                self._leave(keep=False)
                raise
            callbacks = self._leave(keep=True)
        for callback in callbacks:
            callback()

    def _enter(self) -> None:
        if self._depth == 0:
            self._writer.execute("BEGIN IMMEDIATE")
            self._owner = threading.get_ident()
        self._depth += 1

    def _leave(self, keep: bool) -> list[Callable[[], None]]:
        self._depth -= 1
        if self._depth:
            return []
        callbacks, self._after, self._owner = self._after, [], None
        self._writer.execute("COMMIT" if keep else "ROLLBACK")
        return callbacks if keep else []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the running transaction is kept; at once when there is none."""
        if self._owner == threading.get_ident():
            self._after.append(callback)
        else:
            callback()

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> int:
        """Write; returns the number of rows it changed."""
        with self.transaction():
            return self._writer.execute(sql, arguments).rowcount

    def rows(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """Read."""
        if self._owner == threading.get_ident():
            return self._writer.execute(sql, arguments).fetchall()
        with self._reader() as connection:
            return connection.execute(sql, arguments).fetchall()

    def row(self, sql: str, arguments: Arguments = ()) -> Row | None:
        """Read the first row, or None."""
        found = self.rows(sql, arguments)
        return found[0] if found else None

    def value(self, sql: str, arguments: Arguments = ()) -> Any:
        """Read the first column of the first row, or None."""
        found = self.row(sql, arguments)
        return None if found is None else found[0]

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, a little at a time."""
        while self.value("PRAGMA freelist_count"):
            with self._lock:
                self._writer.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
        with self._lock:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def insert(self, table: str, values: Values) -> None:
        """Insert one row, or replace the one with the same key. Names come from code, never from input."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", list(values.values()))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in [*self._idle, self._writer]:
                connection.close()
