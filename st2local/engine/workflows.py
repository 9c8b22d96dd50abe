"""Conducts workflows: every change of a workflow is one transaction, so a restart finds it whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from st2local import object_id
from st2local.datastore import SYSTEM_USER
from st2local.engine import definition, statuses
from st2local.engine.execution import Execution
from st2local.engine.expressions import Lookups, looking_into
from st2local.engine.task_requests import TaskRequests
from st2local.engine.workflow import Task, Workflow, WorkflowStore

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

from orquesta import events  # isort: skip  # after definition, which adapts orquesta

Values = dict[str, Any]
_TOLD = (*statuses.COMPLETED, statuses.PAUSED, statuses.PENDING)


class Workflows:
    """Starts, advances, pauses, resumes and cancels workflows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.store = WorkflowStore(engine.database)
        self._requests = TaskRequests(engine, self.store)
        self._lookups = Lookups(engine.read_key, self._read_task)

    def _read_task(self, workflow: str, task: str, route: int) -> Values | None:
        found = self.store.newest_task(workflow, task, route)
        return None if found is None else found.document()

    @contextmanager
    def changing(self, identifier: str | None) -> Iterator[None]:
        """Everything done inside is kept as a whole; on an error the workflow is read anew."""
        try:
            with self._engine.database.transaction(), looking_into(self._lookups):
                yield
        except BaseException:
            if identifier is not None:
                self.store.forget(identifier)
            raise

    def start(
        self, execution: Execution, inputs: Values, notify: list[str], text: str
    ) -> tuple[str, Values] | None:
        """Begin a workflow; returns status and result when it cannot, None when it is under way."""
        try:
            parsed = definition.parse(text)
        except Exception as error:
            return statuses.FAILED, {"errors": [{"message": str(error)}], "output": None}
        problems = definition.inspect(parsed, self._engine.registry)
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
        with self.changing(identifier):
            conductor = parsed.conductor(inputs, context)
            conductor.serialize()
            config = {"config": execution.notify, "tasks": notify} if execution.notify else None
            workflow = Workflow(identifier, execution.id, conductor, config)
            execution.context["workflow_execution"] = identifier
            self._engine.executions.save(execution)
            self.store.insert(workflow)
            if workflow.status not in statuses.COMPLETED:
                conductor.request_workflow_status(statuses.REQUESTED)
                self.advance(workflow)
            self.keep(workflow)

    def _st2_context(self, execution: Execution) -> Values:
        found = {
            "action_execution_id": execution.id,
            "api_url": self._engine.api_url,
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
            task, done = self._requests.request(workflow, request)
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
        task = self.store.newest_task(workflow.id, request["id"], request["route"])
        if task is not None:
            entry = {"type": "error", "message": message, "task_id": request["id"], "route": request["route"]}
            task.status, task.result = statuses.FAILED, {"errors": [entry]}
            self.store.save_task(task)
        workflow.conductor.request_workflow_status(statuses.FAILED)
        workflow.conductor.log_entry("error", message, task_id=request["id"], route=request["route"])

    def on_child(self, child: Execution) -> None:
        """Carry on after a step has ended, paused or begun to wait for an answer."""
        identifier = child.workflow
        if identifier is None or child.status not in _TOLD:
            return
        with self.changing(identifier):
            workflow = self.store.get(identifier)
            task = self.store.task(child.orquesta["task_execution_id"])
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
        self.store.save_task(task)

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
        self.store.save(workflow)
        execution = self._engine.executions.get(workflow.execution)
        if execution.completed or execution.status in statuses.WAITING:
            return
        self._engine.set_workflow_status(execution, workflow.status, self._result(workflow))

    def pause(self, execution: Execution) -> str:
        """Start nothing more; what runs ends first. Returns the new status."""
        identifier = self._identifier(execution)
        with self.changing(identifier):
            workflow = self.store.get(identifier)
            workflow.conductor.request_workflow_status(statuses.PAUSED)
            for child in self._child_workflows(execution, (statuses.RUNNING,)):
                self._engine.pause(child, execution.user)
            self.keep(workflow)
            return workflow.status

    def resume(self, execution: Execution) -> str:
        """Carry on with a paused workflow. Returns the new status."""
        identifier = self._identifier(execution)
        with self.changing(identifier):
            workflow = self.store.get(identifier)
            if workflow.status in (statuses.RUNNING, statuses.RESUMING):
                return workflow.status
            workflow.conductor.request_workflow_status(statuses.RESUMING)
            for child in self._child_workflows(execution, (statuses.PAUSED,)):
                self._engine.resume(child, execution.user)
            self.advance(workflow)
            self._resume_parents(execution)
            self.keep(workflow)
            return workflow.status

    def _resume_parents(self, execution: Execution) -> None:
        """A workflow that carries on is a running task of the workflow above it."""
        if execution.workflow is None:
            return
        parent = self.store.get(execution.workflow)
        task = self.store.task(execution.orquesta["task_execution_id"])
        if task.status != statuses.PAUSED:
            return
        task.status = statuses.RUNNING
        self.store.save_task(task)
        parent.conductor.request_workflow_status(statuses.RUNNING)
        event = events.ActionExecutionEvent(statuses.RUNNING)
        parent.conductor.update_task_state(task.task, task.route, event)
        self.keep(parent)
        self._resume_parents(self._engine.executions.get(parent.execution))

    def cancel(self, execution: Execution) -> None:
        """Start nothing more; it is canceled once what runs has ended."""
        identifier = self._identifier(execution)
        with self.changing(identifier):
            workflow = self.store.get(identifier)
            if workflow.status not in statuses.COMPLETED:
                workflow.conductor.request_workflow_status(statuses.CANCELED)
            self._cancel_root(execution)
            for child in self._engine.executions.children(execution.id, results=False):
                is_workflow = child.runner == "orquesta" and child.status in statuses.CANCELABLE
                if is_workflow or child.status in (statuses.REQUESTED, statuses.DELAYED, statuses.SCHEDULED):
                    self._engine.cancel(child, execution.user)
            self.keep(workflow)

    def _cancel_root(self, execution: Execution) -> None:
        root = execution
        while root.parent:
            root = self._engine.executions.get(root.parent)
        if root.id != execution.id and root.status in statuses.CANCELABLE:
            self._engine.cancel(root, execution.user)

    def _identifier(self, execution: Execution) -> str:
        found = execution.context.get("workflow_execution")
        if found is None:
            raise ValueError(f'Execution "{execution.id}" has no workflow.')
        return str(found)

    def _child_workflows(self, execution: Execution, wanted: tuple[str, ...]) -> list[Execution]:
        children = self._engine.executions.children(execution.id, results=False)
        return [child for child in children if child.runner == "orquesta" and child.status in wanted]
