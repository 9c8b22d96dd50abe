"""One workflow in the database: its conductor's state and its tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from st2local import clock, object_id
from st2local.database import Database, Row, dumps, loads
from st2local.datastore import Datastore
from st2local.engine import definition, statuses
from st2local.engine.expressions import Lookups, looking_into
from st2local.values import Values

_FIXED = ("spec", "graph", "input", "context")
_PARTS = (*_FIXED, "state", "errors", "output")


@dataclass
class Workflow:
    """A workflow: which execution it is, and its conductor."""

    id: str
    execution: str
    conductor: Any
    notify: Values | None = None

    @property
    def status(self) -> str:
        """The conductor's status."""
        return str(self.conductor.get_workflow_status())

    @property
    def st2_context(self) -> Values:
        """The values of `ctx().st2`."""
        found: Values = self.conductor._parent_ctx.get("st2") or {}
        return found


@dataclass
class Task:
    """One task of a workflow, or one more try of it; with items, `result` holds one entry per item."""

    id: str
    workflow: str
    task: str
    route: int
    name: str
    status: str
    itemized: bool
    items_count: int | None
    start_timestamp: str
    end_timestamp: str | None
    result: Any

    def document(self) -> Values:
        """Return what the expression function `task` gives."""
        return {
            "task_execution_id": self.id,
            "workflow_execution_id": self.workflow,
            "task_name": self.task,
            "task_id": self.task,
            "route": self.route,
            "result": self.result,
            "status": self.status,
            "start_timestamp": self.start_timestamp,
            "end_timestamp": str(self.end_timestamp),
        }


class WorkflowStore:
    """All workflows and tasks; conductors of running workflows are kept in memory as well."""

    def __init__(self, database: Database, datastore: Datastore) -> None:
        """Keep workflows in *database*; their expressions read keys of *datastore*."""
        self._database = database
        self._lookups = Lookups(datastore.read, self._read_task)
        self._live: dict[str, Workflow] = {}

    def _read_task(self, workflow: str, task: str, route: int) -> Values | None:
        found = self.newest_task(workflow, task, route)
        return None if found is None else found.document()

    @contextmanager
    def changing(self, identifier: str) -> Iterator[None]:
        """Everything done inside is kept as a whole; on an error the workflow is read anew."""
        try:
            with self._database.transaction(), looking_into(self._lookups):
                yield
        except BaseException:
            self._live.pop(identifier, None)
            raise

    def insert(self, workflow: Workflow) -> None:
        """Keep a new workflow."""
        data = workflow.conductor.serialize()
        row = {part: dumps(data[part]) for part in _PARTS}
        self._database.insert(
            "workflows",
            {
                "id": workflow.id, "execution": workflow.execution, "status": workflow.status,
                "notify": dumps(workflow.notify), **row,
            },
        )  # fmt: skip
        self._live[workflow.id] = workflow

    def save(self, workflow: Workflow) -> None:
        """Keep the state of a workflow."""
        conductor = workflow.conductor
        self._database.execute(
            "UPDATE workflows SET execution = ?, status = ?, state = ?, errors = ?, output = ? WHERE id = ?",
            [
                workflow.execution, workflow.status, dumps(conductor.workflow_state.serialize()),
                dumps(conductor.errors), dumps(conductor.get_workflow_output()), workflow.id,
            ],
        )  # fmt: skip
        if workflow.status in statuses.COMPLETED:
            self._live.pop(workflow.id, None)

    def get(self, identifier: str) -> Workflow:
        """Return a workflow."""
        live = self._live.get(identifier)
        if live is None:
            row = self._database.row("SELECT * FROM workflows WHERE id = ?", [identifier])
            assert row is not None, identifier
            parts = {part: loads(row[part]) for part in _PARTS}
            live = Workflow(row["id"], row["execution"], definition.restore(parts), loads(row["notify"]))
            self._live[identifier] = live
        return live

    def add_task(self, workflow: str, request: Values) -> Task:
        """Keep a new task, as the conductor requests it."""
        spec = request["spec"]
        itemized = bool(spec.has_items())
        count = request.get("items_count")
        task = Task(
            id=object_id.new(), workflow=workflow, task=request["id"], route=request["route"],
            name=getattr(spec, "name", None) or request["id"], status=statuses.REQUESTED, itemized=itemized,
            items_count=count, start_timestamp=clock.now(), end_timestamp=None,
            result={"items": [None] * (count or 0)} if itemized else None,
        )  # fmt: skip
        self.save_task(task)
        return task

    def save_task(self, task: Task) -> None:
        """Keep the changes of a task."""
        if task.status in statuses.COMPLETED and task.end_timestamp is None:
            task.end_timestamp = clock.now()
        self._database.insert("tasks", {**task.__dict__, "result": dumps(task.result)})

    def task(self, identifier: str) -> Task:
        """Return a task by its id."""
        row = self._database.row("SELECT * FROM tasks WHERE id = ?", [identifier])
        assert row is not None, identifier
        return _task(row)

    def newest_task(self, workflow: str, task: str, route: int) -> Task | None:
        """Return the newest try of a task, or None."""
        row = self._database.row(
            "SELECT * FROM tasks WHERE workflow = ? AND task = ? AND route = ?"
            " ORDER BY start_timestamp DESC, id DESC LIMIT 1",
            [workflow, task, route],
        )
        return None if row is None else _task(row)


def _task(row: Row) -> Task:
    values = dict(row)
    values["itemized"] = bool(values["itemized"])
    values["result"] = loads(values["result"])
    return Task(**values)
