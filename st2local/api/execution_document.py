"""An execution as the API shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from st2local import clock
from st2local.assembly import Engine
from st2local.engine import secrets
from st2local.engine.execution import Execution
from st2local.values import Values


def documents(engine: Engine, executions: Sequence[Execution], show_secrets: bool = False) -> list[Values]:
    """Return several, with the ids of their children."""
    children = engine.executions.child_ids(one.id for one in executions) if executions else {}
    return [document(engine, one, children[one.id], show_secrets) for one in executions]


def document(engine: Engine, execution: Execution, children: list[str], show_secrets: bool = False) -> Values:
    """Return one; secrets are masked unless they are to be shown."""
    parameters, result, action, runner = _described(engine, execution, show_secrets)
    shown: Values = {
        "id": execution.id,
        "status": execution.status,
        "start_timestamp": execution.start_timestamp,
        "action": action,
        "runner": runner,
        "liveaction": {
            "id": execution.id,
            "action": execution.action,
            "action_is_workflow": execution.runner == "orquesta",
            "parameters": parameters,
            "callback": {},
            "runner_info": {},
        },
        "parameters": parameters,
        "context": execution.context,
        "result": result,
        "result_size": len(json.dumps(result)) if result is not None else 0,
        "children": children,
        "log": execution.log,
        "web_url": f"{engine.api_url.rpartition('/v1')[0]}/#/history/{execution.id}/general",
        "elapsed_seconds": _elapsed(execution),
    }
    optional = {name: getattr(execution, name) for name in ("end_timestamp", "parent", "delay", "notify")}
    given = {name: value for name, value in optional.items() if value}
    return {**shown, **given, **_cause(engine, execution)}


def _described(
    engine: Engine, execution: Execution, show_secrets: bool
) -> tuple[Values, Any, Values, Values]:
    resource = engine.registry.find("action", execution.action)
    if resource is None:
        ref = {"ref": execution.action, "name": execution.action.partition(".")[2], "pack": execution.pack}
        gone = {**ref, "runner_type": execution.runner, "parameters": {}}
        return execution.parameters, execution.result, gone, {"name": execution.runner}
    runner = engine.registry.runner(resource)
    action = resource.document()
    if show_secrets:
        return execution.parameters, execution.result, action, runner.document()
    parameters = secrets.mask_parameters(execution.parameters, engine.registry.parameters(resource))
    result = secrets.mask_result(
        execution.result, runner.output_key, resource.data.get("output_schema") or {}
    )
    return parameters, result, action, runner.document()


def _elapsed(execution: Execution) -> float:
    end = clock.parse(execution.end_timestamp or clock.now())
    return (end - clock.parse(execution.start_timestamp)).total_seconds()


def _cause(engine: Engine, execution: Execution) -> Values:
    if not execution.rule or not execution.trigger_instance:
        return {}
    rule = engine.registry.find("rule", execution.rule["ref"])
    instance = execution.trigger_instance["id"]
    return {"rule": rule.document() if rule else execution.rule, "trigger_instance": {"id": instance}}
