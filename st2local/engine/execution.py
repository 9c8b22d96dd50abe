"""One execution of an action: what was asked, in which context, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from st2local import clock, object_id
from st2local.database import Row, dumps, loads
from st2local.engine import statuses
from st2local.values import Values

Outcome = tuple[str, Any] | None  # status and result; None: the end is told later


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
        document = {
            "parameters": self.parameters,
            "context": self.context,
            "log": self.log,
            "notify": self.notify,
            "rule": self.rule,
            "trigger_instance": self.trigger_instance,
            "delay": self.delay,
        }
        return {
            "id": self.id, "action": self.action, "runner": self.runner, "pack": self.pack,
            "status": self.status, "user": self.user, "parent": self.parent, "workflow": self.workflow,
            "rule": (self.rule or {}).get("ref"), "trigger_instance": (self.trigger_instance or {}).get("id"),
            "start_timestamp": self.start_timestamp, "end_timestamp": self.end_timestamp,
            "due": self.due, "process": self.process, "handled": int(self.handled),
            "document": dumps(document),
        }  # fmt: skip


def from_row(row: Row) -> Execution:
    """Return the execution of a row; its result is only there when the row has that column."""
    document = loads(row["document"])
    result = loads(row["result"]) if "result" in row.keys() else None  # noqa: SIM118
    return Execution(
        action=row["action"], runner=row["runner"], pack=row["pack"], status=row["status"], id=row["id"],
        parent=row["parent"], start_timestamp=row["start_timestamp"], end_timestamp=row["end_timestamp"],
        due=row["due"], process=row["process"], handled=bool(row["handled"]), result=result, **document,
    )  # fmt: skip
