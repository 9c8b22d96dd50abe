"""Fills a stopped st2local's database with executions that have ended."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path


def fill(database: Path, count: int) -> None:
    """Copy executions that are there, with their traces and events, until there are `count` more."""
    connection = sqlite3.connect(database)
    with connection:
        templates = connection.execute("SELECT * FROM executions WHERE handled = 1").fetchall()
        names = [one[1] for one in connection.execute("PRAGMA table_info(executions)")]
        for number in range(count):
            _copy(connection, dict(zip(names, templates[number % len(templates)], strict=True)), number)
    connection.close()


def _copy(connection: sqlite3.Connection, row: dict[str, object], number: int) -> None:
    # Older than all others, as history is.
    row["id"] = f"{number:024x}"
    row["parent"] = row["workflow"] = None
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(1_600_000_000 + number))
    row["start_timestamp"] = row["end_timestamp"] = moment
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO executions VALUES ({marks})", list(row.values()))
    trace = f"{number:023x}t"
    connection.execute("INSERT INTO traces VALUES (?, ?, ?)", [trace, f"old {number}", moment])
    connection.execute(
        "INSERT INTO trace_components VALUES (?, 'action_execution', ?, ?, '', ?)",
        [trace, row["id"], row["action"], moment],
    )
    connection.execute(
        "INSERT INTO trigger_instances VALUES (?, 'core.st2.generic.actiontrigger',"
        " 'core.st2.generic.actiontrigger', 'processed', ?, ?, '{}')",
        [f"{number:024x}", moment, trace],
    )
