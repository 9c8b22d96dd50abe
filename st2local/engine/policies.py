"""Policies: how many executions of an action at once, and whether a failed one is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from st2local.content.resources import Resource
from st2local.engine import statuses
from st2local.engine.enabled import Enabled
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions
from st2local.engine.request_execution import Request
from st2local.values import Values

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


@dataclass
class Policies:
    """Decides by the policies of packs; who asks does what is decided."""

    _enabled: Enabled
    _executions: Executions

    def of(self, action: str, *kinds: str) -> list[Resource]:
        """Return the enabled policies on an action."""
        return [
            one
            for one in self._enabled.all("policy")
            if one.data["resource_ref"] == action and one.data["policy_type"] in kinds
        ]

    def refusal(self, execution: Execution) -> str | None:
        """Return `delay` or `cancel` for an execution that may not run now, else None."""
        for policy in self.of(execution.action, "action.concurrency", "action.concurrency.attr"):
            wanted = policy.data["parameters"]
            if self._active(execution, wanted.get("attributes") or []) >= wanted["threshold"]:
                return str(wanted.get("action", "delay"))
        return None

    def _active(self, execution: Execution, attributes: list[str]) -> int:
        # Paused and waiting ones hold no place, and an attribute left at its default fits nothing: as there.
        same = self._executions.select(
            "action = ? AND status IN ('scheduled', 'running') AND id != ?",
            [execution.action, execution.id],
            "id", -1, results=False,
        )  # fmt: skip
        wanted = {name: execution.parameters.get(name) for name in attributes}
        if any(name not in execution.parameters for name in attributes):
            return 0
        return sum(all(one.parameters.get(n) == value for n, value in wanted.items()) for one in same)

    def retries(self, execution: Execution) -> Iterator[Request]:
        """Return what tries a failed execution again; nothing for a step of a workflow."""
        if not execution.completed or execution.workflow:
            return
        for policy in self.of(execution.action, "action.retry"):
            wanted = policy.data["parameters"]
            fits = {"failure": statuses.FAILED, "timeout": statuses.TIMEOUT}[wanted["retry_on"]]
            tried = execution.context.get("policies", {}).get("retry", {}).get("retry_count", 0)
            if execution.status == fits and tried < wanted.get("max_retry_count", 2):
                yield _again(execution, policy, tried + 1, wanted.get("delay", 0))


def _again(execution: Execution, policy: Resource, count: int, delay: float) -> Request:
    note = {"applied_policy": policy.ref, "retry_count": count, "retried_liveaction_id": execution.id}
    return Request(
        execution.action, execution.parameters, {**execution.context, "policies": {"retry": note}},
        notify=execution.notify, delay=int(delay * 1000) or None,
    )  # fmt: skip
