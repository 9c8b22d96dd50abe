"""Makes executions: checks what is asked for before anything is kept."""

from __future__ import annotations

from dataclasses import dataclass

from st2local import clock
from st2local.content import schema
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.datastore import SYSTEM_USER
from st2local.engine import statuses
from st2local.engine.enabled import Enabled
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions
from st2local.engine.traces import Traces
from st2local.errors import ParamError, RefusedError
from st2local.values import Values


@dataclass(frozen=True)
class Request:
    """What is asked for; `parameters` are rendered already, `delay` is in milliseconds."""

    action: str
    parameters: Values
    context: Values
    notify: Values | None = None
    delay: int | None = None
    parent: str | None = None
    rule: Values | None = None
    trigger_instance: Values | None = None


@dataclass
class ExecutionRequests:
    """Keeps a new execution for each request."""

    _database: Database
    _registry: Registry
    _enabled: Enabled
    _executions: Executions
    _traces: Traces

    def keep(self, request: Request) -> Execution:
        """
        Keep a new execution, for whoever carries it out.

        Raises RefusedError when the action is unknown, disabled or a parameter is immutable, and ParamError
        when parameters don't fit its schema.
        """
        action = self._registry.find("action", request.action)
        if action is None:
            raise RefusedError(f'Action "{request.action}" cannot be found.')
        if not self._enabled.has(action):
            raise RefusedError(f'Unable to execute. Action "{request.action}" is disabled.')
        self._check(action, request.parameters)
        execution = _execution(action, request)
        with self._database.transaction():
            self._trace(execution)
            self._executions.insert(execution)
        return execution

    def keep_failed(self, request: Request, error: ParamError) -> Execution:
        """Keep an execution whose parameters cannot be rendered, as failed."""
        failed = _execution(self._registry.get("action", request.action), request)
        failed.notify, failed.result = None, {"error": str(error), "traceback": ""}
        failed.set_status(statuses.FAILED)
        self._executions.insert(failed)
        return failed

    def _check(self, action: Resource, parameters: Values) -> None:
        checked = schema.for_parameters(self._registry.parameters(action))
        if checked:
            schema.check(parameters, checked)
        own, runner = action.data.get("parameters") or {}, self._registry.runner(action).parameters
        immutable = [n for s in (own, runner) for n, p in s.items() if (p or {}).get("immutable")]
        overridden = [name for name in parameters if name in immutable]
        if overridden:
            raise RefusedError(f"Override of immutable parameter(s) {overridden} is unsupported.")

    def _trace(self, execution: Execution) -> None:
        cause = None
        if execution.parent:
            trace = self._traces.of("action_execution", execution.parent)
            cause = f"action_execution {execution.parent}"
        else:
            trace = self._traces.resolve(execution.context)
        if execution.rule and execution.trigger_instance:
            cause = f"rule {execution.rule['id']}:{execution.trigger_instance['id']}"
        trace = trace or self._traces.create(f"execution-{execution.id}")
        self._traces.add(trace, "action_execution", execution.id, execution.action, cause)


def _execution(action: Resource, request: Request) -> Execution:
    made = Execution(
        action=request.action, runner=action.data["runner_type"], pack=action.pack,
        parameters=request.parameters,
        context={"user": SYSTEM_USER, **request.context, "pack": action.pack},
        parent=request.parent, rule=request.rule, trigger_instance=request.trigger_instance,
        notify=_notify(action, request.notify, under_workflow="orquesta" in request.context),
        delay=request.delay, due=clock.later(request.delay / 1000) if request.delay else None,
    )  # fmt: skip
    made.log.append({"status": statuses.REQUESTED, "timestamp": made.start_timestamp})
    return made


def _notify(action: Resource, asked: Values | None, under_workflow: bool) -> Values | None:
    own: Values = action.data.get("notify") or {}
    return own if own and not under_workflow else asked
