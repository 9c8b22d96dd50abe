"""An execution as the API shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from st2local import clock
from st2local.assembly import Engine
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine import secrets, triggers
from st2local.engine.execution import Execution
from st2local.values import Values


def documents(
    engine: Engine, executions: Sequence[Execution], show_secrets: bool = False, payloads: bool = True
) -> list[Values]:
    """Return several, with the ids of their children; *payloads*: of the events that began them."""
    children = engine.executions.child_ids(one.id for one in executions) if executions else {}
    events = engine.triggers.find(_events(executions), payloads)
    return [_document(engine, one, children[one.id], events, show_secrets) for one in executions]


def document(engine: Engine, execution: Execution, show_secrets: bool = False) -> Values:
    """Return one, with the ids of its children; secrets are masked unless they are to be shown."""
    return documents(engine, [execution], show_secrets)[0]


def _events(executions: Sequence[Execution]) -> list[str]:
    return [one.trigger_instance["id"] for one in executions if one.trigger_instance]


def _document(
    engine: Engine, execution: Execution, children: list[str], events: dict[str, Values], show_secrets: bool
) -> Values:
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
        "web_url": f"{engine.web_url}/#/history/{execution.id}/general",
        "elapsed_seconds": _elapsed(execution),
    }
    optional = {name: getattr(execution, name) for name in ("end_timestamp", "parent", "delay", "notify")}
    given = {name: value for name, value in optional.items() if value}
    return {**shown, **given, **cause(engine.registry, execution, events)}


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


def cause(registry: Registry, execution: Execution, events: dict[str, Values]) -> Values:
    """Return which rule began it, and by which event; an event may be gone before its execution."""
    if not execution.rule or not execution.trigger_instance:
        return {}
    rule = registry.find("rule", execution.rule["ref"])
    cause: Values = {"rule": rule.document() if rule else execution.rule}
    event = events.get(execution.trigger_instance["id"])
    if event is None:
        return {**cause, "trigger_instance": execution.trigger_instance}
    kind = registry.find("trigger_type", event["trigger_type"])
    return {
        **cause,
        "trigger_instance": event,
        "trigger": _trigger(rule, event),
        "trigger_type": kind.document() if kind else _reference(event["trigger_type"]),
    }


def _trigger(rule: Resource | None, event: Values) -> Values:
    waited_for = triggers.trigger_of(rule) if rule else {}
    if waited_for.get("ref") == event["trigger"]:
        return waited_for
    return {**_reference(event["trigger"]), "type": event["trigger_type"]}


def _reference(ref: str) -> Values:
    pack, _, name = ref.partition(".")
    return {"ref": ref, "pack": pack, "name": name}
