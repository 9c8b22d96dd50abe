"""Cancels, pauses and resumes executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.errors import RefusedError

if TYPE_CHECKING:
    from st2local.engine.engine import Engine


def cancel(engine: Engine, execution: Execution, user: str | None) -> Execution:
    """
    Cancel an execution; returns it as it is then.

    A workflow starts nothing more and is canceled once its steps have ended. The process of another action
    runs on to its end, as under StackStorm, but what it returns is not kept. Raises RefusedError.
    """
    with engine.database.transaction():
        current = engine.executions.get(execution.id)
        if current.status == statuses.CANCELING:
            return current
        if current.status not in statuses.CANCELABLE:
            raise RefusedError(
                f'Unable to cancel liveaction "{execution.id}" because it is already in a completed state.'
            )
        result = {"message": "Action canceled by user.", "user": user}
        current.context["cancelled_by"] = user
        if current.runner == "orquesta" and "workflow_execution" in current.context:
            current.set_status(statuses.CANCELING)
            engine.executions.save(current)
            engine.workflows.cancel(current)
            return engine.executions.get(execution.id)
        engine.executions.save(current)
        engine.finish(current, statuses.CANCELED, result)
        return engine.executions.get(execution.id)


def _workflow(engine: Engine, execution: Execution, verb: str) -> Execution:
    current = engine.executions.get(execution.id)
    if current.runner != "orquesta":
        raise RefusedError(
            f'Failed updating execution. Unable to {verb} liveaction "{current.id}" because it is not'
            f' supported by the "{current.runner}" runner.'
        )
    return current


def pause(engine: Engine, execution: Execution, user: str | None) -> Execution:
    """Start no more steps of a workflow. Raises RefusedError."""
    with engine.database.transaction():
        current = _workflow(engine, execution, "pause")
        if current.status in (statuses.PAUSING, statuses.PAUSED):
            return current
        if current.status != statuses.RUNNING or "workflow_execution" not in current.context:
            raise RefusedError(
                f'Failed updating execution. Unable to pause liveaction "{current.id}" because it is not in a'
                " running state."
            )
        current.context["paused_by"] = user
        current.set_status(statuses.PAUSING)
        engine.executions.save(current)
        engine.workflows.pause(current)
        return engine.executions.get(execution.id)


def resume(engine: Engine, execution: Execution, user: str | None) -> Execution:
    """Carry on with a paused workflow. Raises RefusedError."""
    with engine.database.transaction():
        current = _workflow(engine, execution, "resume")
        if current.status in (statuses.RUNNING, statuses.RESUMING):
            return current
        if current.status != statuses.PAUSED:
            raise RefusedError(
                f'Failed updating execution. Unable to resume liveaction "{current.id}" because it is in'
                f' "{current.status}" state and not in "paused" state.'
            )
        current.context["resumed_by"] = user
        current.set_status(statuses.RESUMING)
        engine.executions.save(current)
        engine.workflows.resume(current)
        return engine.executions.get(execution.id)
