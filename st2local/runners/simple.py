"""Runners that start no process: `noop`, `announcement`, `inquirer` and `orquesta`."""

from __future__ import annotations

import json
from pathlib import Path

from st2local.engine import statuses
from st2local.engine.execution import Outcome
from st2local.engine.rerun import Reruns
from st2local.engine.triggers import Triggers
from st2local.engine.workflows import Workflows
from st2local.errors import RefusedError
from st2local.runners.call import Call
from st2local.stream import Stream


def run_noop(call: Call) -> Outcome:
    """Do nothing."""
    return statuses.SUCCEEDED, {"failed": False, "succeeded": True, "return_code": 0}


def run_announcement(stream: Stream, call: Call) -> Outcome:
    """Publish the parameters on the stream, for whoever listens to the route."""
    if not call.runner_parameters.get("experimental"):
        raise RefusedError(f"Experimental flag is missing for action {call.action.ref}")
    route = call.runner_parameters.get("route")
    trace = call.execution.context.get("trace_context") or {}
    payload = {"payload": call.parameters, "trace_context": trace}
    stream.publish(f"st2.announcement__{route}", payload)
    return statuses.SUCCEEDED, {"output": call.parameters, **call.parameters}


def run_inquirer(triggers: Triggers, call: Call) -> Outcome:
    """Begin to wait for an answer."""
    asked = call.runner_parameters
    payload = {"id": call.execution.id, "route": asked["route"] or ""}
    triggers.dispatch("core.st2.generic.inquiry", payload)
    names = ("schema", "roles", "users", "route", "ttl")
    return statuses.PENDING, {name: asked[name] for name in names}


def run_orquesta(workflows: Workflows, reruns: Reruns, call: Call) -> Outcome:
    """Begin the workflow, or run tasks of an ended one again; its end is told later."""
    again = call.execution.context.get("re-run") or {}
    if again.get("tasks"):
        return reruns.start(call.execution, again)
    path = Path(call.entry_point)
    try:
        text = path.read_text()
    except OSError as error:
        raise RefusedError(f"the workflow {path} cannot be read: {error.strerror}") from error
    notify = call.runner_parameters.get("notify") or []
    inputs = json.loads(json.dumps(call.parameters))
    return workflows.start(call.execution, inputs, notify, text)
