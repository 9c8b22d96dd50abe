"""Policies: how many executions of an action at once, and whether a failed one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from st2local import clock
from st2local.content.resources import Resource
from st2local.engine import statuses
from st2local.engine.execution import Execution

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

Values = dict[str, Any]
RETRY_SECONDS = 2.5

POLICY_TYPES: dict[str, Values] = {
    "action.concurrency": {
        "threshold": {"type": "integer", "minimum": 1, "required": True},
        "action": {"type": "string", "enum": ["delay", "cancel"], "default": "delay"},
    },
    "action.concurrency.attr": {
        "threshold": {"type": "integer", "minimum": 1, "required": True},
        "action": {"type": "string", "enum": ["delay", "cancel"], "default": "delay"},
        "attributes": {"type": "array", "items": {"type": "string"}, "minItems": 1, "required": True},
    },
    "action.retry": {
        "retry_on": {"type": "string", "enum": ["failure", "timeout"], "required": True},
        "max_retry_count": {"type": "integer", "minimum": 1, "maximum": 5, "default": 2},
        "delay": {"type": "number", "minimum": 0, "maximum": 120, "default": 0},
    },
}


class Policies:
    """Applies the policies of packs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, action: str, *kinds: str) -> list[Resource]:
        """Return the enabled policies on an action."""
        return [
            one
            for one in self._engine.registry.all("policy")
            if one.data["resource_ref"] == action
            and one.data["policy_type"] in kinds
            and self._engine.is_enabled(one)
        ]

    def admit(self, execution: Execution) -> bool:
        """Return whether an execution may run now; else it is delayed or canceled."""
        for policy in self.of(execution.action, "action.concurrency", "action.concurrency.attr"):
            wanted = policy.data["parameters"]
            if self._active(execution, wanted.get("attributes") or []) < wanted["threshold"]:
                continue
            if wanted.get("action", "delay") == "cancel":
                self._engine.finish(execution, statuses.CANCELED, None)
            else:
                self._delay(execution)
            return False
        return True

    def _active(self, execution: Execution, attributes: list[str]) -> int:
        # Paused and waiting ones hold no place, and an attribute left at its default fits nothing: as there.
        same = self._engine.executions.select(
            "action = ? AND status IN ('scheduled', 'running') AND id != ?",
            [execution.action, execution.id],
            "id", -1, results=False,
        )  # fmt: skip
        wanted = {name: execution.parameters.get(name) for name in attributes}
        if any(name not in execution.parameters for name in attributes):
            return 0
        return sum(all(one.parameters.get(n) == value for n, value in wanted.items()) for one in same)

    def _delay(self, execution: Execution) -> None:
        execution.due = clock.later(RETRY_SECONDS)
        if execution.status != statuses.DELAYED:
            execution.set_status(statuses.DELAYED)
        self._engine.executions.save(execution)
        self._engine.database.after_commit(lambda: self._engine.scheduler.submit(execution))

    def after(self, execution: Execution) -> None:
        """Try a failed execution again, where a policy says so; never a step of a workflow."""
        if not execution.completed or execution.workflow:
            return
        for policy in self.of(execution.action, "action.retry"):
            wanted = policy.data["parameters"]
            fits = {"failure": statuses.FAILED, "timeout": statuses.TIMEOUT}[wanted["retry_on"]]
            tried = execution.context.get("policies", {}).get("retry", {}).get("retry_count", 0)
            if execution.status == fits and tried < wanted.get("max_retry_count", 2):
                self._retry(execution, policy, tried + 1, wanted.get("delay", 0))

    def _retry(self, execution: Execution, policy: Resource, count: int, delay: float) -> None:
        note = {
            "applied_policy": policy.ref,
            "retry_count": count,
            "retried_liveaction_id": execution.id,
        }
        context = {**execution.context, "policies": {"retry": note}}
        self._engine.request(
            execution.action, execution.parameters, context,
            notify=execution.notify, delay=int(delay * 1000) or None,
        )  # fmt: skip
