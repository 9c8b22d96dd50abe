"""All executions, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from st2local import clock
from st2local.database import Database, Row, dumps
from st2local.engine.execution import Execution, from_row
from st2local.errors import NotFoundError
from st2local.stream import Stream

_LIGHT = (
    "id, action, runner, pack, status, user, parent, workflow, rule, trigger_instance, start_timestamp,"
    " end_timestamp, due, process, handled, document"
)


@dataclass
class Executions:
    """Reads and writes; what is written is published once it is kept."""

    _database: Database
    _stream: Stream

    def insert(self, execution: Execution) -> None:
        """Keep a new execution."""
        with self._database.transaction():
            self._database.insert("executions", {**execution.columns(), "result": dumps(execution.result)})
            self._database.after_commit(lambda: self._publish("__create", execution))

    def save(self, execution: Execution, with_result: bool = False) -> None:
        """Keep the changes of an execution."""
        columns = execution.columns()
        if with_result:
            columns["result"] = dumps(execution.result)
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._database.transaction():
            self._database.execute(
                f"UPDATE executions SET {names} WHERE id = ?", [*columns.values(), execution.id]
            )
            self._database.after_commit(lambda: self._publish("__update", execution))

    def _publish(self, event: str, body: Any) -> None:
        if self._stream.wanted:
            self._stream.publish(f"st2.execution{event}", body)

    def is_handled(self, identifier: str) -> bool:
        """Tell whether everything that follows from its end has been done."""
        return bool(self._database.value("SELECT handled FROM executions WHERE id = ?", [identifier]))

    def mark_handled(self, execution: Execution) -> None:
        """Keep that everything that follows from its end has been done."""
        execution.handled = True
        self._database.execute("UPDATE executions SET handled = 1 WHERE id = ?", [execution.id])

    def set_process(self, execution: Execution, process: str | None) -> None:
        """Keep which process carries it out, so that a restarted server can end it."""
        execution.process = process
        self._database.execute("UPDATE executions SET process = ? WHERE id = ?", [process, execution.id])

    def find(self, identifier: str) -> Execution | None:
        """Return an execution, or None."""
        row = self._database.row("SELECT * FROM executions WHERE id = ?", [identifier])
        return None if row is None else from_row(row)

    def get(self, identifier: str) -> Execution:
        """Return an execution; raises NotFoundError."""
        found = self.find(identifier)
        if found is None:
            raise NotFoundError(f'Unable to identify resource with id "{identifier}".')
        return found

    def status(self, identifier: str) -> str | None:
        """Return an execution's status, or None when there is no such execution."""
        found: str | None = self._database.value("SELECT status FROM executions WHERE id = ?", [identifier])
        return found

    def last(self) -> str | None:
        """Return the id of the newest execution."""
        found: str | None = self._database.value(
            "SELECT id FROM executions ORDER BY start_timestamp DESC, id DESC LIMIT 1"
        )
        return found

    def select(
        self, where: str, arguments: Sequence[Any], order: str, limit: int, offset: int = 0,
        results: bool = True,
    ) -> list[Execution]:  # fmt: skip
        """Return executions; `where` and `order` come from code, never from input."""
        columns = "*" if results else _LIGHT
        rows = self._database.rows(
            f"SELECT {columns} FROM executions WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            [*arguments, limit, offset],
        )
        return [from_row(row) for row in rows]

    def count(self, where: str, arguments: Sequence[Any]) -> int:
        """Return how many executions fit."""
        return int(self._database.value(f"SELECT count(*) FROM executions WHERE {where}", arguments))

    def children(self, identifier: str, results: bool = True) -> list[Execution]:
        """Return the executions directly under one, oldest first."""
        return self.select("parent = ?", [identifier], "start_timestamp, id", -1, results=results)

    def child_ids(self, identifiers: Iterable[str]) -> dict[str, list[str]]:
        """Return the ids of the children of each of those executions."""
        found: dict[str, list[str]] = {one: [] for one in identifiers}
        marks = ", ".join("?" * len(found))
        rows = self._database.rows(
            f"SELECT parent, id FROM executions WHERE parent IN ({marks}) ORDER BY start_timestamp, id",
            list(found),
        )
        for row in rows:
            found[row["parent"]].append(row["id"])
        return found

    def add_output(self, execution: Execution, kind: str, text: str) -> None:
        """Keep and publish a piece of what an execution prints."""
        self._database.execute(
            "INSERT INTO output VALUES (?, ?, ?, ?)", [execution.id, kind, clock.now(), text]
        )
        self._publish(".output__create", (execution, kind, text))

    def output(self, identifier: str, kind: str | None = None, after: int = 0) -> list[Row]:
        """Return what it has printed so far, in pieces of one kind or of `all`: those after that `number`."""
        return self._database.rows(
            "SELECT rowid AS number, * FROM output WHERE execution = ? AND ? IN (kind, 'all')"
            " AND rowid > ? ORDER BY rowid",
            [identifier, kind or "all", after],
        )
