"""Traces: which trigger instances, rules and executions belong together."""

from __future__ import annotations

from st2local import clock, object_id
from st2local.database import Database, Row
from st2local.errors import NotFoundError, ParamError
from st2local.values import Values

_LISTS = {"trigger_instance": "trigger_instances", "rule": "rules", "action_execution": "action_executions"}


class Traces:
    """All traces, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tag: str) -> str:
        """Begin a trace; several may have the same tag."""
        identifier = object_id.new()
        self._database.insert("traces", {"id": identifier, "tag": tag, "start_timestamp": clock.now()})
        return identifier

    def add(self, trace: str, kind: str, identifier: str, ref: str, cause: str | None = None) -> None:
        """Add a `trigger_instance`, `rule` or `action_execution` to a trace, its cause as `KIND ID`."""
        self._database.execute(
            "INSERT INTO trace_components SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS"
            " (SELECT 1 FROM trace_components WHERE trace = ? AND object = ?)",
            [trace, kind, identifier, ref, cause or "", clock.now(), trace, identifier],
        )

    def of(self, kind: str, identifier: str) -> str | None:
        """Return the trace that something belongs to."""
        found: str | None = self._database.value(
            "SELECT trace FROM trace_components WHERE object = ? AND kind = ?", [identifier, kind]
        )
        return found

    def resolve(self, context: Values) -> str | None:
        """Return the trace that `trace_context` names, made anew for a tag; raises ParamError."""
        wanted = context.get("trace_context") or {}
        identifier = wanted.get("id_")
        if identifier:
            if self._database.value("SELECT id FROM traces WHERE id = ?", [identifier]) is None:
                raise ParamError(f"Unable to find trace with id {identifier}.")
            return str(identifier)
        tag = wanted.get("trace_tag")
        return self.create(str(tag)) if tag else None

    def get(self, identifier: str) -> Values:
        """Return one trace; raises NotFoundError."""
        row = self._database.row("SELECT * FROM traces WHERE id = ?", [identifier])
        if row is None:
            raise NotFoundError(f'Resource with a reference or id "{identifier}" not found')
        return self.document(row)

    def tag(self, identifier: str) -> str:
        """Return a trace's tag."""
        return str(self._database.value("SELECT tag FROM traces WHERE id = ?", [identifier]) or "")

    def document(self, row: Row) -> Values:
        """Return a trace as the API shows it."""
        shown: Values = {
            "id": row["id"],
            "uid": f"trace:{row['id']}",
            "trace_tag": row["tag"],
            "start_timestamp": row["start_timestamp"],
            **{name: [] for name in _LISTS.values()},
        }
        for part in self._database.rows(
            "SELECT * FROM trace_components WHERE trace = ? ORDER BY rowid", [row["id"]]
        ):
            caused_by, _, cause = (part["caused_by"] or "").partition(" ")
            shown[_LISTS[part["kind"]]].append(
                {
                    "object_id": part["object"],
                    "ref": part["ref"],
                    "updated_at": part["updated_at"],
                    "caused_by": {"type": caused_by, "id": cause} if cause else {},
                }
            )
        return shown
