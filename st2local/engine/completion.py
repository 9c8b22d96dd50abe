"""What follows from the end of an execution: its workflow carries on, rules hear of it, policies apply."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from st2local import clock
from st2local.engine import secrets, statuses

if TYPE_CHECKING:
    from st2local.engine.engine import Engine
    from st2local.engine.execution import Execution

LOG = logging.getLogger(__name__)
Values = dict[str, Any]


def handle(engine: Engine, execution: Execution) -> None:
    """Do all that follows, and note that it is done; all of it is kept, or none."""
    with engine.database.transaction():
        if execution.completed and engine.database.value(
            "SELECT handled FROM executions WHERE id = ?", [execution.id]
        ):
            return
        engine.policies.after(execution)
        engine.workflows.on_child(execution)
        if execution.completed:
            _notify(engine, execution)
            _tell_rules(engine, execution)
            engine.executions.mark_handled(execution)


def _trace(engine: Engine, execution: Execution) -> str | None:
    return engine.traces.of("action_execution", execution.id)


def _tell_rules(engine: Engine, execution: Execution) -> None:
    action = engine.registry.find("action", execution.action)
    schemas = engine.registry.parameters(action) if action else {}
    payload = {
        "execution_id": execution.id,
        "status": execution.status,
        "start_timestamp": execution.start_timestamp,
        "action_name": execution.action,
        "action_ref": execution.action,
        "runner_ref": execution.runner,
        "parameters": secrets.mask_parameters(execution.parameters, schemas),
        "result": execution.result,
    }
    engine.triggers.dispatch("core.st2.generic.actiontrigger", payload, trace=_trace(engine, execution))


_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("on-complete", "completed.", statuses.COMPLETED),
    ("on-success", "succeeded.", (statuses.SUCCEEDED,)),
    ("on-failure", "failed.", statuses.FAILURES),
)


def _notify(engine: Engine, execution: Execution) -> None:
    for name, suffix, wanted in _SECTIONS:
        section = (execution.notify or {}).get(name)
        if section and execution.status in wanted:
            _notify_section(engine, execution, section, suffix)


def _notify_section(engine: Engine, execution: Execution, section: Values, suffix: str) -> None:
    context = {
        "st2kv": engine.templates.datastore(None),
        "action_parameters": execution.parameters,
        "action_context": execution.context,
        "action_results": execution.result,
    }
    message: Any = section.get("message") or f"Action {execution.action} {suffix}"
    data: Values = dict(section.get("data") or {})
    try:
        message = engine.templates.render_values({"message": message}, context)["message"]
        data = engine.templates.render_values(data, context)
    except Exception as error:
        LOG.warning("the notification of execution %s could not be rendered: %s", execution.id, error)
    data["result"] = json.dumps(execution.result)
    for route in section.get("routes") or section.get("channels") or []:
        payload = {
            "message": message,
            "data": data,
            "execution_id": execution.id,
            "status": execution.status,
            "start_timestamp": execution.start_timestamp,
            "end_timestamp": execution.end_timestamp or clock.now(),
            "action_ref": execution.action,
            "runner_ref": execution.runner,
            "route": route,
            "channel": route,
        }
        engine.triggers.dispatch("core.st2.generic.notifytrigger", payload, trace=_trace(engine, execution))
