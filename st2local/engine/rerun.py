"""Runs tasks of an ended workflow again, under a new execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.engine.workflow import Workflow

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

from orquesta import requests  # isort: skip  # after workflow, which has orquesta adapted

Values = dict[str, Any]


def rerun(
    engine: Engine, execution: Execution, original: Execution, options: Values
) -> tuple[str, Values] | None:
    """Run tasks again; returns status and result when that is impossible, None when it is under way."""
    identifier = original.context.get("workflow_execution")
    try:
        if identifier is None:
            raise ValueError(
                "Unable to rerun workflow execution because workflow_execution_id is not provided."
            )
        with engine.workflows.changing(identifier):
            _rerun(engine, execution, engine.workflows.store.get(identifier), options)
    except Exception as error:
        return statuses.FAILED, {"errors": [{"message": str(error)}], "output": None}
    return None


def _rerun(engine: Engine, execution: Execution, workflow: Workflow, options: Values) -> None:
    if workflow.status not in statuses.COMPLETED:
        raise ValueError(
            f'Unable to rerun workflow execution "{workflow.id}" because it is not in a completed state.'
        )
    wanted = [request for name in options.get("tasks", []) for request in _requests(workflow, name, options)]
    workflow.execution = execution.id
    workflow.conductor.request_workflow_rerun(task_requests=wanted)
    execution.context["workflow_execution"] = workflow.id
    engine.executions.save(execution)
    engine.workflows.advance(workflow)
    engine.workflows.keep(workflow)


def _requests(workflow: Workflow, name: str, options: Values) -> list[Any]:
    entries = workflow.conductor.workflow_state.get_tasks(task_id=name)
    if not entries:
        raise ValueError(f"Unable to rerun workflow because one or more tasks is not found: {name}")
    reset = name in options.get("reset", [])
    return [requests.TaskRerunRequest(name, entry["route"], reset_items=reset) for _, entry in entries]
