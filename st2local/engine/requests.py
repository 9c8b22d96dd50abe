"""Makes executions: checks what is asked for before anything is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from st2local import clock
from st2local.content import schema
from st2local.datastore import SYSTEM_USER
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.errors import ParamError, RefusedError

if TYPE_CHECKING:
    from st2local.content.resources import Resource
    from st2local.engine.engine import Engine

Values = dict[str, Any]


def make(
    engine: Engine, ref: str, parameters: Values, context: Values, *, notify: Values | None = None,
    delay: int | None = None, parent: str | None = None, rule: Values | None = None,
    trigger_instance: Values | None = None,
) -> Execution:  # fmt: skip
    """
    Keep a new execution and have it carried out.

    `parameters` are rendered already; `delay` is in milliseconds. Raises RefusedError when the action is
    unknown, disabled or a parameter is immutable, and ParamError when parameters don't fit its schema.
    """
    action = engine.registry.find("action", ref)
    if action is None:
        raise RefusedError(f'Action "{ref}" cannot be found.')
    if not engine.is_enabled(action):
        raise RefusedError(f'Unable to execute. Action "{ref}" is disabled.')
    _check(engine, action, parameters)
    execution = Execution(
        action=ref, runner=action.data["runner_type"], pack=action.pack, parameters=parameters,
        context={"user": SYSTEM_USER, **context, "pack": action.pack}, parent=parent, rule=rule,
        trigger_instance=trigger_instance, delay=delay,
        notify=_notify(action, notify, under_workflow="orquesta" in context),
        due=clock.later(delay / 1000) if delay else None,
    )  # fmt: skip
    execution.log.append({"status": statuses.REQUESTED, "timestamp": execution.start_timestamp})
    with engine.database.transaction():
        _trace(engine, execution)
        engine.executions.insert(execution)
    return execution


def make_failed(
    engine: Engine, ref: str, parameters: Values, context: Values, error: ParamError
) -> Execution:
    """Keep an execution whose parameters cannot be rendered, as failed."""
    action = engine.registry.get("action", ref)
    execution = Execution(
        action=ref, runner=action.data["runner_type"], pack=action.pack, parameters=parameters,
        context=context, status=statuses.FAILED, result={"error": str(error), "traceback": ""},
    )  # fmt: skip
    execution.log.append({"status": statuses.REQUESTED, "timestamp": execution.start_timestamp})
    execution.set_status(statuses.FAILED)
    engine.executions.insert(execution)
    engine.handle(execution)
    return execution


def _check(engine: Engine, action: Resource, parameters: Values) -> None:
    full = engine.registry.parameters(action)
    checked = schema.for_parameters(full)
    if checked:
        schema.check(parameters, checked)
    own, runner = action.data.get("parameters") or {}, engine.registry.runner(action).parameters
    immutable = [n for s in (own, runner) for n, p in s.items() if (p or {}).get("immutable")]
    overridden = [name for name in parameters if name in immutable]
    if overridden:
        raise RefusedError(f"Override of immutable parameter(s) {overridden} is unsupported.")


def _notify(action: Resource, asked: Values | None, under_workflow: bool) -> Values | None:
    own: Values = action.data.get("notify") or {}
    return own if own and not under_workflow else asked


def _trace(engine: Engine, execution: Execution) -> None:
    if execution.parent:
        trace = engine.traces.of("action_execution", execution.parent)
    else:
        trace = engine.traces.resolve(execution.context)
    cause: Values | None = None
    if execution.rule and execution.trigger_instance:
        cause = {"type": "rule", "id": f"{execution.rule['id']}:{execution.trigger_instance['id']}"}
    elif execution.parent:
        cause = {"type": "action_execution", "id": execution.parent}
    trace = trace or engine.traces.create(f"execution-{execution.id}")
    engine.traces.add(trace, "action_execution", execution.id, execution.action, cause)
