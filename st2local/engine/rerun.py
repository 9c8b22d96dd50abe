"""Runs tasks of an ended workflow again, under a new execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from st2local.engine import statuses
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.engine.workflow_store import Workflow, WorkflowStore
from st2local.engine.workflows import Workflows
from st2local.errors import NotFoundError
from st2local.values import Values

from orquesta import requests  # isort: skip  # after workflows, which has orquesta adapted


@dataclass
class Reruns:
    """Begins workflows again where they are asked to."""

    _executions: Executions
    _workflows: Workflows
    _store: WorkflowStore

    def start(self, execution: Execution, wanted: Values) -> Outcome:
        """Run tasks again; returns status and result when that is impossible, None when it is under way."""
        original = self._executions.find(wanted["ref"])
        if original is None:
            raise NotFoundError(f"Execution with id {wanted['ref']} not found")
        identifier = original.context.get("workflow_execution")
        try:
            if identifier is None:
                raise ValueError(
                    "Unable to rerun workflow execution because workflow_execution_id is not provided."
                )
            with self._store.changing(identifier):
                self._rerun(execution, self._store.get(identifier), wanted)
        except Exception as error:
            return statuses.FAILED, {"errors": [{"message": str(error)}], "output": None}
        return None

    def _rerun(self, execution: Execution, workflow: Workflow, wanted: Values) -> None:
        if workflow.status not in statuses.COMPLETED:
            raise ValueError(
                f'Unable to rerun workflow execution "{workflow.id}" because it is not in a completed state.'
            )
        tasks = [request for name in wanted.get("tasks", []) for request in _requests(workflow, name, wanted)]
        workflow.execution = execution.id
        workflow.conductor.request_workflow_rerun(task_requests=tasks)
        execution.context["workflow_execution"] = workflow.id
        self._executions.save(execution)
        self._workflows.advance(workflow)
        self._workflows.keep(workflow)


def _requests(workflow: Workflow, name: str, wanted: Values) -> list[Any]:
    entries = workflow.conductor.workflow_state.get_tasks(task_id=name)
    if not entries:
        raise ValueError(f"Unable to rerun workflow because one or more tasks is not found: {name}")
    reset = name in wanted.get("reset", [])
    return [requests.TaskRerunRequest(name, entry["route"], reset_items=reset) for _, entry in entries]
