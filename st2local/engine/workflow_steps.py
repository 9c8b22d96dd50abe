"""Turns what a conductor wants to run next into executions."""

from __future__ import annotations

from dataclasses import dataclass

from st2local.content.registry import Registry
from st2local.engine import statuses
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.request_execution import Request
from st2local.engine.workflow_store import Task, Workflow, WorkflowStore
from st2local.errors import RefusedError
from st2local.parameters import ActionParameters
from st2local.values import Values


@dataclass
class WorkflowSteps:
    """Makes tasks, and the executions of their actions."""

    _registry: Registry
    _parameters: ActionParameters
    _lifecycle: Lifecycle
    _store: WorkflowStore

    def request(self, workflow: Workflow, request: Values) -> tuple[Task, bool]:
        """Request a task; returns it and whether it is done already, having nothing to run."""
        task = self._running_items(workflow, request) or self._store.add_task(workflow.id, request)
        if request["spec"].action is None or (task.itemized and task.items_count == 0):
            task.status = statuses.SUCCEEDED
            self._store.save_task(task)
            return task, True
        for action in request["actions"]:
            self._request_action(workflow, task, action, _delay(request, action, task.itemized))
        return task, False

    def _running_items(self, workflow: Workflow, request: Values) -> Task | None:
        task = self._store.newest_task(workflow.id, request["id"], request["route"])
        return task if task and task.itemized and task.status == statuses.RUNNING else None

    def _request_action(self, workflow: Workflow, task: Task, action: Values, delay: int | None) -> None:
        ref, item = action["action"], action.get("item_id")
        resource = self._registry.find("action", str(ref))
        if resource is None:
            raise InvalidActionError(f'Unable to find action "{ref}".')
        context = self._context(workflow, task, resource.pack, item)
        parameters = self._parameters.live(resource, action["input"] or {}, context)
        if task.status != statuses.RUNNING:
            task.status = statuses.RUNNING
            self._store.save_task(task)
        request = Request(
            ref, parameters, context, notify=self._notify(workflow, task),
            delay=delay * 1000 if delay else None, parent=workflow.execution,
        )  # fmt: skip
        self._lifecycle.request(request)

    def _context(self, workflow: Workflow, task: Task, pack: str, item: int | None) -> Values:
        root = workflow.st2_context
        more = {name: root[name] for name in ("api_user", "source_channel") if root.get(name)}
        place: Values = {
            "workflow_execution_id": workflow.id,
            "task_execution_id": task.id,
            "task_name": task.name,
            "task_id": task.task,
            "task_route": task.route,
        }
        if item is not None:
            place["item_id"] = item
        user = root.get("user")
        parent = {"execution_id": workflow.execution, "user": user, "pack": root.get("pack"), **more}
        return {"pack": pack, "user": user, "parent": parent, "orquesta": place, **more}

    def _notify(self, workflow: Workflow, task: Task) -> Values | None:
        wanted = workflow.notify or {}
        return wanted.get("config") if task.name in (wanted.get("tasks") or []) else None


class InvalidActionError(RefusedError):
    """A task names an action that does not exist."""

    st2_name = "InvalidActionReferencedException"


def _delay(request: Values, action: Values, itemized: bool) -> int | None:
    delay: int | None = request.get("delay")
    concurrency = request.get("concurrency")
    if delay and itemized and concurrency and action["item_id"] >= concurrency:
        return None
    return delay or None
