"""Cancels, pauses and resumes executions: of a workflow, what runs under it, too."""

from __future__ import annotations

from dataclasses import dataclass

from st2local.database import Database
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.workflows import Workflows
from st2local.errors import RefusedError


@dataclass
class CancelPauseResume:
    """Changes the course of executions; each change returns the execution as it is then."""

    _database: Database
    _executions: Executions
    _lifecycle: Lifecycle
    _workflows: Workflows

    def cancel(self, execution: Execution, user: str | None) -> Execution:
        """
        Cancel an execution.

        A workflow starts nothing more and is canceled once its steps have ended. The process of another
        action runs on to its end, as under StackStorm, but what it returns is not kept. Raises RefusedError.
        """
        with self._database.transaction():
            current = self._executions.get(execution.id)
            if current.status == statuses.CANCELING:
                return current
            if current.status not in statuses.CANCELABLE:
                raise RefusedError(
                    f'Unable to cancel liveaction "{execution.id}" because it is already in a completed'
                    " state."
                )
            current.context["cancelled_by"] = user
            if current.runner == "orquesta" and "workflow_execution" in current.context:
                current.set_status(statuses.CANCELING)
                self._executions.save(current)
                self._cancel_workflow(current)
            else:
                self._executions.save(current)
                result = {"message": "Action canceled by user.", "user": user}
                self._lifecycle.finish(current, statuses.CANCELED, result)
            return self._executions.get(execution.id)

    def _cancel_workflow(self, execution: Execution) -> None:
        with self._workflows.of(execution) as workflow:
            if workflow.status not in statuses.COMPLETED:
                workflow.conductor.request_workflow_status(statuses.CANCELED)
            self._cancel_root(execution)
            for child in self._executions.children(execution.id, results=False):
                is_workflow = child.runner == "orquesta" and child.status in statuses.CANCELABLE
                if is_workflow or child.status in statuses.WAITING:
                    self.cancel(child, execution.user)

    def _cancel_root(self, execution: Execution) -> None:
        root = execution
        while root.parent:
            root = self._executions.get(root.parent)
        if root.id != execution.id and root.status in statuses.CANCELABLE:
            self.cancel(root, execution.user)

    def pause(self, execution: Execution, user: str | None) -> Execution:
        """Start no more steps of a workflow; what runs ends first. Raises RefusedError."""
        with self._database.transaction():
            current = self._workflow(execution, "pause")
            if current.status in (statuses.PAUSING, statuses.PAUSED):
                return current
            if current.status != statuses.RUNNING or "workflow_execution" not in current.context:
                raise RefusedError(
                    f'Failed updating execution. Unable to pause liveaction "{current.id}" because it is not'
                    " in a running state."
                )
            current.context["paused_by"] = user
            current.set_status(statuses.PAUSING)
            self._executions.save(current)
            with self._workflows.of(current) as workflow:
                workflow.conductor.request_workflow_status(statuses.PAUSED)
                for child in self._child_workflows(current, statuses.RUNNING):
                    self.pause(child, current.user)
            return self._executions.get(execution.id)

    def resume(self, execution: Execution, user: str | None) -> Execution:
        """Carry on with a paused workflow. Raises RefusedError."""
        with self._database.transaction():
            current = self._workflow(execution, "resume")
            if current.status in (statuses.RUNNING, statuses.RESUMING):
                return current
            if current.status != statuses.PAUSED:
                raise RefusedError(
                    f'Failed updating execution. Unable to resume liveaction "{current.id}" because it is in'
                    f' "{current.status}" state and not in "paused" state.'
                )
            current.context["resumed_by"] = user
            current.set_status(statuses.RESUMING)
            self._executions.save(current)
            self._resume_workflow(current)
            return self._executions.get(execution.id)

    def _resume_workflow(self, execution: Execution) -> None:
        with self._workflows.of(execution) as workflow:
            if workflow.status in (statuses.RUNNING, statuses.RESUMING):
                return
            workflow.conductor.request_workflow_status(statuses.RESUMING)
            for child in self._child_workflows(execution, statuses.PAUSED):
                self.resume(child, execution.user)
            self._workflows.advance(workflow)
            self._workflows.resume_parents(execution)

    def _workflow(self, execution: Execution, verb: str) -> Execution:
        current = self._executions.get(execution.id)
        if current.runner != "orquesta":
            raise RefusedError(
                f'Failed updating execution. Unable to {verb} liveaction "{current.id}" because it is not'
                f' supported by the "{current.runner}" runner.'
            )
        return current

    def _child_workflows(self, execution: Execution, wanted: str) -> list[Execution]:
        children = self._executions.children(execution.id, results=False)
        return [child for child in children if child.runner == "orquesta" and child.status == wanted]
