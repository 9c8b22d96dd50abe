"""One execution of an action: what was asked, in which context, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from st2local import clock, object_id
from st2local.database import Row, dumps, loads
from st2local.engine import statuses
from st2local.values import Values

Outcome = tuple[str, Any] | None  # status and result; None: the end is told later

_COLUMNS = (
    "id", "action", "runner", "pack", "status", "parent", "start_timestamp", "end_timestamp", "due",
    "process",
)  # fmt: skip
_DOCUMENT = ("parameters", "context", "log", "notify", "rule", "trigger_instance", "delay")


@dataclass
class Execution:
    """An execution; `workflow`, `task` and `item` say where in a workflow it belongs."""

    action: str
    runner: str
    pack: str
    parameters: Values
    context: Values
    status: str = statuses.REQUESTED
    id: str = field(default_factory=object_id.new)
    parent: str | None = None
    start_timestamp: str = field(default_factory=clock.now)
    end_timestamp: str | None = None
    due: str | None = None
    process: str | None = None
    handled: bool = False
    notify: Values | None = None
    rule: Values | None = None
    trigger_instance: Values | None = None
    delay: int | None = None
    log: list[Values] = field(default_factory=list)
    result: Any = None

    @property
    def user(self) -> str | None:
        """Who it is run for."""
        return self.context.get("user")

    @property
    def orquesta(self) -> Values:
        """Its place in a workflow; empty for one that is in none."""
        found: Values = self.context.get("orquesta") or {}
        return found

    @property
    def workflow(self) -> str | None:
        """The workflow it is a step of."""
        return self.orquesta.get("workflow_execution_id")

    @property
    def completed(self) -> bool:
        """Whether it has ended."""
        return self.status in statuses.COMPLETED

    def set_status(self, status: str) -> None:
        """Change the status, and note when."""
        self.status = status
        moment = clock.now()
        self.log.append({"status": status, "timestamp": moment})
        if status in statuses.COMPLETED:
            self.end_timestamp = moment

    def columns(self) -> Values:
        """Return the execution as a row of the database, without its result."""
        return {
            **{name: getattr(self, name) for name in (*_COLUMNS, "user", "workflow")},
            "rule": (self.rule or {}).get("ref"),
            "trigger_instance": (self.trigger_instance or {}).get("id"),
            "handled": int(self.handled),
            "document": dumps({name: getattr(self, name) for name in _DOCUMENT}),
        }


def from_row(row: Row) -> Execution:
    """Return the execution of a row; its result is only there when the row has that column."""
    columns = {name: row[name] for name in _COLUMNS}
    result = loads(row["result"]) if "result" in row.keys() else None  # noqa: SIM118
    return Execution(**columns, **loads(row["document"]), handled=bool(row["handled"]), result=result)
