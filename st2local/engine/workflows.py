"""Conducts workflows: every change of a workflow is one transaction, so a restart finds it whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from st2local import object_id
from st2local.content.registry import Registry
from st2local.datastore import SYSTEM_USER
from st2local.engine import definition, statuses
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.workflow_steps import WorkflowSteps
from st2local.engine.workflow_store import Task, Workflow, WorkflowStore
from st2local.values import Values

from orquesta import events  # isort: skip  # after definition, which adapts orquesta

_TOLD = (*statuses.COMPLETED, statuses.PAUSED, statuses.PENDING)


@dataclass
class Workflows:
    """Starts and advances workflows."""

    _registry: Registry
    _executions: Executions
    _lifecycle: Lifecycle
    _store: WorkflowStore
    _steps: WorkflowSteps
    _api_url: str

    def start(self, execution: Execution, inputs: Values, notify: list[str], text: str) -> Outcome:
        """Begin a workflow; returns status and result when it cannot, None when it is under way."""
        try:
            parsed = definition.parse(text)
        except Exception as error:
            return statuses.FAILED, {"errors": [{"message": str(error)}], "output": None}
        problems = definition.inspect(parsed, self._registry)
        unknown = [name for name in notify if name not in parsed.spec.tasks.keys()]  # noqa: SIM118
        if unknown:
            message = (
                "The following tasks in the notify parameter do not exist in the workflow definition: "
                f"{', '.join(unknown)}."
            )
            problems = [{"message": message}]
        if problems:
            return statuses.FAILED, {"errors": problems, "output": None}
        self._begin(execution, parsed, inputs, notify)
        return None

    def _begin(
        self, execution: Execution, parsed: definition.Definition, inputs: Values, notify: list[str]
    ) -> None:
        identifier = object_id.new()
        context = {"st2": {**self._st2_context(execution), "workflow_execution_id": identifier}}
        context["parent"] = execution.context
        parsed.graph  # noqa: B018  # composed before the transaction: it may take long
        with self._store.changing(identifier):
            conductor = parsed.conductor(inputs, context)
            conductor.serialize()
            config = {"config": execution.notify, "tasks": notify} if execution.notify else None
            workflow = Workflow(identifier, execution.id, conductor, config)
            execution.context["workflow_execution"] = identifier
            self._executions.save(execution)
            self._store.insert(workflow)
            if workflow.status not in statuses.COMPLETED:
                conductor.request_workflow_status(statuses.REQUESTED)
                self.advance(workflow)
            self.keep(workflow)

    def _st2_context(self, execution: Execution) -> Values:
        found = {
            "action_execution_id": execution.id,
            "api_url": self._api_url,
            "user": execution.user or SYSTEM_USER,
            "pack": execution.pack,
            "action": execution.action,
            "runner": execution.runner,
        }
        more = {name: execution.context.get(name) for name in ("api_user", "source_channel")}
        return {**found, **{name: value for name, value in more.items() if value}}

    def advance(self, workflow: Workflow) -> None:
        """Request everything that can run now."""
        conductor = workflow.conductor
        if workflow.status in (statuses.REQUESTED, statuses.SCHEDULED):
            conductor.request_workflow_status(statuses.RUNNING)
        ready = conductor.get_next_tasks()
        while ready:
            for request in ready:
                self._mark_running(conductor, request)
            for request in ready:
                if not self._request(workflow, request):
                    return
            ready = conductor.get_next_tasks()

    def _mark_running(self, conductor: Any, request: Values) -> None:
        if request["spec"].has_items() and request.get("items_count") == 0:
            conductor.update_task_state(
                request["id"], request["route"], events.ActionExecutionEvent(statuses.RUNNING)
            )
        for action in request["actions"]:
            item = action.get("item_id")
            event = (
                events.ActionExecutionEvent(statuses.RUNNING)
                if item is None
                else events.TaskItemActionExecutionEvent(item, statuses.RUNNING)
            )
            conductor.update_task_state(request["id"], request["route"], event)

    def _request(self, workflow: Workflow, request: Values) -> bool:
        try:
            task, done = self._steps.request(workflow, request)
        except Exception as error:
            self._fail(workflow, request, error)
            return False
        if done:
            event = events.ActionExecutionEvent(statuses.SUCCEEDED, result=None)
            workflow.conductor.update_task_state(task.task, task.route, event)
        return True

    def _fail(self, workflow: Workflow, request: Values, error: Exception) -> None:
        name = getattr(error, "st2_name", type(error).__name__)
        message = f"{name}: {error}"
        task = self._store.newest_task(workflow.id, request["id"], request["route"])
        if task is not None:
            entry = {"type": "error", "message": message, "task_id": request["id"], "route": request["route"]}
            task.status, task.result = statuses.FAILED, {"errors": [entry]}
            self._store.save_task(task)
        workflow.conductor.request_workflow_status(statuses.FAILED)
        workflow.conductor.log_entry("error", message, task_id=request["id"], route=request["route"])

    def on_child(self, child: Execution) -> None:
        """Carry on after a step has ended, paused or begun to wait for an answer."""
        identifier = child.workflow
        if identifier is None or child.status not in _TOLD:
            return
        with self._store.changing(identifier):
            workflow = self._store.get(identifier)
            task = self._store.task(child.orquesta["task_execution_id"])
            if task.status in statuses.COMPLETED or (task.status == child.status and not task.itemized):
                return
            self._update_task(task, child)
            self._tell(workflow, task, child)
            if child.completed:
                self.advance(workflow)
            self.keep(workflow)

    def _update_task(self, task: Task, child: Execution) -> None:
        if not task.itemized:
            task.status = child.status
            task.result = child.result if child.result else task.result
        else:
            items = task.result["items"]
            items[child.orquesta["item_id"]] = {"status": child.status, "result": child.result}
            ended = [bool(one) and one["status"] in statuses.COMPLETED for one in items]
            if all(ended):
                well = all(one["status"] == statuses.SUCCEEDED for one in items)
                task.status = statuses.SUCCEEDED if well else statuses.FAILED
        self._store.save_task(task)

    def _tell(self, workflow: Workflow, task: Task, child: Execution) -> None:
        item = child.orquesta.get("item_id")
        if item is None:
            event = events.ActionExecutionEvent(child.status, result=child.result)
        else:
            results = [one.get("result") if one else None for one in task.result["items"]]
            event = events.TaskItemActionExecutionEvent(
                item, child.status, result=child.result, accumulated_result=results
            )
        workflow.conductor.update_task_state(task.task, task.route, event)

    def _result(self, workflow: Workflow) -> Values:
        result: Values = {"output": workflow.conductor.get_workflow_output()}
        if workflow.status in (*statuses.FAILURES, "expired"):
            result["errors"] = list(workflow.conductor.errors)
        return result

    def keep(self, workflow: Workflow) -> None:
        """Keep the workflow, and show its status on its execution."""
        if workflow.status in statuses.COMPLETED:
            workflow.conductor.render_workflow_output()
        self._store.save(workflow)
        execution = self._executions.get(workflow.execution)
        if execution.completed or execution.status in statuses.WAITING:
            return
        self._lifecycle.set_workflow_status(execution, workflow.status, self._result(workflow))

    @contextmanager
    def of(self, execution: Execution) -> Iterator[Workflow]:
        """The workflow that an execution is, to be changed inside; raises ValueError when it is none."""
        identifier = execution.context.get("workflow_execution")
        if identifier is None:
            raise ValueError(f'Execution "{execution.id}" has no workflow.')
        with self._store.changing(identifier):
            workflow = self._store.get(identifier)
            yield workflow
            self.keep(workflow)

    def resume_parents(self, execution: Execution) -> None:
        """A workflow that carries on is a running task of the workflow above it."""
        if execution.workflow is None:
            return
        parent = self._store.get(execution.workflow)
        task = self._store.task(execution.orquesta["task_execution_id"])
        if task.status != statuses.PAUSED:
            return
        task.status = statuses.RUNNING
        self._store.save_task(task)
        parent.conductor.request_workflow_status(statuses.RUNNING)
        event = events.ActionExecutionEvent(statuses.RUNNING)
        parent.conductor.update_task_state(task.task, task.route, event)
        self.keep(parent)
        self.resume_parents(self._executions.get(parent.execution))
