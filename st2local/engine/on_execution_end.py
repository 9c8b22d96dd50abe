"""What follows from the end of an execution: it is tried again, people are notified, rules hear of it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from st2local import clock
from st2local.content.registry import Registry
from st2local.engine import secrets, statuses
from st2local.engine.execution import Execution
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.policies import Policies
from st2local.engine.traces import Traces
from st2local.engine.triggers import Triggers
from st2local.templates import Templates
from st2local.values import Values

LOG = logging.getLogger(__name__)
_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("on-complete", "completed.", statuses.COMPLETED),
    ("on-success", "succeeded.", (statuses.SUCCEEDED,)),
    ("on-failure", "failed.", statuses.FAILURES),
)


@dataclass
class OnExecutionEnd:
    """Listens to the lifecycle."""

    _registry: Registry
    _policies: Policies
    _lifecycle: Lifecycle
    _templates: Templates
    _triggers: Triggers
    _traces: Traces

    def handle(self, execution: Execution) -> None:
        """Do what follows; nothing does while an execution waits for an answer."""
        if not execution.completed:
            return
        for request in self._policies.retries(execution):
            self._lifecycle.request(request)
        for name, suffix, wanted in _SECTIONS:
            section = (execution.notify or {}).get(name)
            if section and execution.status in wanted:
                self._notify(execution, section, suffix)
        self._tell_rules(execution)

    def _dispatch(self, execution: Execution, trigger: str, payload: Values) -> None:
        about = {
            "execution_id": execution.id,
            "status": execution.status,
            "start_timestamp": execution.start_timestamp,
            "action_ref": execution.action,
            "runner_ref": execution.runner,
        }
        trace = self._traces.of("action_execution", execution.id)
        self._triggers.dispatch(f"core.st2.generic.{trigger}", {**about, **payload}, trace=trace)

    def _tell_rules(self, execution: Execution) -> None:
        action = self._registry.find("action", execution.action)
        schemas = self._registry.parameters(action) if action else {}
        payload = {
            "action_name": execution.action,
            "parameters": secrets.mask_parameters(execution.parameters, schemas),
            "result": execution.result,
        }
        self._dispatch(execution, "actiontrigger", payload)

    def _notify(self, execution: Execution, section: Values, suffix: str) -> None:
        context = {
            "st2kv": self._templates.datastore(None),
            "action_parameters": execution.parameters,
            "action_context": execution.context,
            "action_results": execution.result,
        }
        message: Any = section.get("message") or f"Action {execution.action} {suffix}"
        data: Values = dict(section.get("data") or {})
        try:
            message = self._templates.render_values({"message": message}, context)["message"]
            data = self._templates.render_values(data, context)
        except Exception as error:
            LOG.warning("the notification of execution %s could not be rendered: %s", execution.id, error)
        data["result"] = json.dumps(execution.result)
        end = execution.end_timestamp or clock.now()
        for route in section.get("routes") or section.get("channels") or []:
            payload = {"message": message, "data": data, "end_timestamp": end, "route": route}
            self._dispatch(execution, "notifytrigger", {**payload, "channel": route})
