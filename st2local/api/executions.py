"""Executions: ask for one, look at them, change their course."""

from __future__ import annotations

import gzip
import json
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from st2local.api import execution_filters
from st2local.api.ask import Ask, cut, page
from st2local.api.execution_document import document, documents
from st2local.assembly import Engine
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.engine.request_execution import Request
from st2local.errors import ParamError, RefusedError
from st2local.values import Values


def find(engine: Engine, identifier: str | None) -> Execution:
    """Return an execution, the newest one for `last`; raises NotFoundError, RefusedError."""
    if identifier == "last":
        identifier = engine.executions.last()
    if identifier is None:
        raise RefusedError("No executions found in the database")
    return engine.executions.get(identifier)


def shown(ask: Ask, execution: Execution) -> Values:
    """Return one execution as a document."""
    return document(ask.engine, execution, ask.flag("show_secrets"))


def list_all(ask: Ask) -> Response:
    """Answer with the executions that fit the filters."""
    where, arguments = execution_filters.where(ask)
    ascending = ask.flag("sort_asc") or (bool(ask.query.get("timestamp_gt")) and not ask.flag("sort_desc"))
    direction = "ASC" if ascending else "DESC"
    results = ask.wants("result") or "result_size" in ask.names("include_attributes")
    order = f"start_timestamp {direction}, id {direction}"
    found = ask.engine.executions.select(where, arguments, order, ask.limit, ask.offset, results=results)
    total = ask.engine.executions.count(where, arguments)
    return page(ask, _shown_all(ask, found), total)


def _shown_all(ask: Ask, found: list[Execution]) -> list[Values]:
    return documents(ask.engine, found, ask.flag("show_secrets"), payloads=ask.wants("trigger_instance"))


def _find(ask: Ask) -> Execution:
    return find(ask.engine, ask.path["id"])


def get(ask: Ask) -> Values:
    """Answer with one execution; its result is left out when it is longer than max_result_size."""
    found = shown(ask, _find(ask))
    limit = ask.number("max_result_size", 0)
    if limit and found["result_size"] > limit:
        del found["result"]
    return cut(ask, found)


def create(ask: Ask) -> Response:
    """Ask for an execution."""
    body = ask.body()
    if not isinstance(body.get("action"), str):
        raise ParamError("'action' is a required property")
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise ParamError(f"{parameters!r} is not of type 'object'")
    given = body.get("context") or {}
    # Only a trace may be chosen from outside; StackStorm would take everything, the user included.
    context = {name: given[name] for name in ("trace_context",) if name in given}
    context["user"] = ask.as_user(body.get("user"))
    execution = schedule(ask, body["action"], parameters, context, body)
    return JSONResponse(shown(ask, execution), 201)


def schedule(ask: Ask, ref: str, parameters: Values, context: Values, more: Values) -> Execution:
    """Render the parameters and keep the execution; raises ParamError, RefusedError."""
    action = ask.engine.registry.find("action", ref)
    if action is None:
        raise RefusedError(f'Action "{ref}" cannot be found.')
    context = {**context, "pack": action.pack}
    try:
        rendered = ask.engine.parameters.live(action, parameters, context)
    except ParamError as error:
        ask.engine.lifecycle.request_failed(Request(ref, parameters, context), error)
        raise
    request = Request(ref, rendered, context, notify=more.get("notify"), delay=more.get("delay"))
    return ask.engine.lifecycle.request(request)


def change(ask: Ask) -> Values:
    """Pause, resume or cancel an execution, or set its status as a caller back would."""
    execution, body = _find(ask), ask.body()
    status = body.get("status")
    if execution.completed:
        raise RefusedError("Execution is already in completed state.")
    if status not in statuses.EVERY:
        raise ParamError(f"{status!r} is not one of {list(statuses.EVERY)}")
    if status in (statuses.CANCELING, statuses.CANCELED):
        changed = ask.engine.changes.cancel(execution, ask.user)
    elif status in (statuses.PAUSING, statuses.PAUSED):
        changed = ask.engine.changes.pause(execution, ask.user)
    elif status == statuses.RESUMING:
        changed = ask.engine.changes.resume(execution, ask.user)
    else:
        ask.engine.lifecycle.finish(execution, status, body.get("result"))
        changed = ask.engine.executions.get(execution.id)
    return shown(ask, changed)


def cancel(ask: Ask) -> Any:
    """Cancel an execution; one that has ended is answered with status 200 and a sentence, as there."""
    execution = _find(ask)
    if execution.status not in (*statuses.CANCELABLE, statuses.CANCELED, statuses.CANCELING):
        return {"faultstring": f"Action cannot be canceled. State = {execution.status}."}
    if execution.status == statuses.CANCELED:
        return shown(ask, execution)
    return shown(ask, ask.engine.changes.cancel(execution, ask.user))


def children(ask: Ask) -> list[Values]:
    """Answer with what runs under an execution, down to `depth` levels (-1: all)."""
    depth = ask.number("depth", -1)
    found: list[Execution] = []
    level = [_find(ask)]
    while level and depth != 0:
        level = [child for parent in level for child in ask.engine.executions.children(parent.id)]
        found.extend(level)
        depth -= 1
    found.sort(key=lambda one: (one.start_timestamp, one.id))
    return [cut(ask, one) for one in _shown_all(ask, found)]


def attribute(ask: Ask) -> Any:
    """Answer with one attribute of an execution."""
    names = ("result", "trigger_instance", "status", "parameters", "context", "log")
    name = ask.path["attribute"]
    if name not in names:
        raise RefusedError(f'Invalid attribute "{name}" specified. Valid attributes are: {", ".join(names)}')
    return shown(ask, _find(ask)).get(name)


def result(ask: Ask) -> Response:
    """Answer with the result alone, as a file if that is wanted, and compressed."""
    pretty = 4 if ask.flag("pretty_format") else None
    content = json.dumps(_find(ask).result, indent=pretty).encode()
    headers, media_type, end = {}, "application/json", ""
    if ask.flag("compress"):
        content, media_type, end = gzip.compress(content), "application/x-gzip", ".gz"
        headers["Content-Encoding"] = "gzip"
    if ask.flag("download"):
        name = f"execution_{ask.path['id']}_result.json{end}"
        headers["Content-Disposition"] = f"attachment; filename={name}"
    return Response(content, headers=headers, media_type=media_type)


def output(ask: Ask) -> Response:
    """Answer with what an execution has printed."""
    execution = _find(ask)
    pieces = ask.engine.executions.output(execution.id, ask.query.get("output_type"))
    return PlainTextResponse("".join(piece["data"] for piece in pieces))


def rerun(ask: Ask) -> Response:
    """Ask for the same again, with other parameters, or for some tasks of a workflow."""
    original, body = _find(ask), ask.body()
    tasks, reset = body.get("tasks") or [], body.get("reset") or []
    if (tasks or reset) and body.get("parameters"):
        raise RefusedError("Parameters override is not supported when re-running task(s) for a workflow.")
    if reset and not set(reset) <= set(tasks):
        raise RefusedError("List of tasks to reset does not match the tasks to rerun.")
    if tasks and original.runner != "orquesta":
        raise RefusedError("Task option is only supported for Orquesta workflows.")
    kept = {} if ask.flag("no_merge") else original.parameters
    again = {"ref": original.id, **({"tasks": tasks} if tasks else {}), **({"reset": reset} if reset else {})}
    trace = ask.engine.traces.of("action_execution", original.id)
    context: Values = {"user": ask.as_user(body.get("user")), "re-run": again}
    if trace:
        context["trace_context"] = {"id_": trace}
    parameters = {**kept, **(body.get("parameters") or {})}
    execution = schedule(ask, original.action, parameters, context, body)
    return JSONResponse(shown(ask, execution), 201)
