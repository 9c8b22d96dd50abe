"""Webhooks: requests that become trigger instances."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import JSONResponse, Response

from st2local.api.ask import Ask
from st2local.engine import triggers
from st2local.errors import NotFoundError, RefusedError
from st2local.values import Values

_HIDDEN = ("St2-Api-Key", "X-Auth-Token", "Cookie")
WEBHOOK = "core.st2.webhook"


def _hooks(ask: Ask) -> dict[str, list[Values]]:
    found: dict[str, dict[str, Values]] = {}
    for rule in ask.engine.registry.all("rule"):
        trigger = triggers.trigger_of(rule)
        if trigger["type"] == WEBHOOK and ask.engine.enabled.has(rule):
            url = str(trigger["parameters"]["url"]).strip("/")
            found.setdefault(url, {})[trigger["ref"]] = trigger
    return {url: list(by_ref.values()) for url, by_ref in found.items()}


def list_all(ask: Ask) -> Response:
    """Answer with the webhooks that enabled rules wait for."""
    # Always whole: the client asks for three attributes and then reads a fourth.
    return JSONResponse([trigger for _, found in sorted(_hooks(ask).items()) for trigger in found])


def get(ask: Ask) -> Values:
    """Answer with one webhook."""
    return _triggers(ask, ask.path["hook"])[0]


def _triggers(ask: Ask, hook: str) -> list[Values]:
    found = _hooks(ask).get(hook.strip("/"))
    if not found:
        raise NotFoundError(f"Webhook {hook} not registered with st2")
    return found


def post(ask: Ask) -> Response:
    """Take an event; rules are tried on it afterwards."""
    hook, body = ask.path["hook"].strip("/"), ask.json()
    if not isinstance(body, dict | list):
        raise RefusedError("Webhook body needs to be an object or an array")
    headers = {_title(name): value for name, value in ask.headers.items()}
    headers = {name: value for name, value in headers.items() if name not in _HIDDEN}
    tag = headers.pop("St2-Trace-Tag", None) or f"webhook-{hook}-{uuid.uuid4().hex}"
    if hook == "st2":
        _dispatch_any(ask, body, tag)
    else:
        lower = {name.lower(): value for name, value in headers.items()}
        payload = {"headers": headers, "headers_lower": lower, "body": body}
        for trigger in _triggers(ask, hook):
            ask.engine.triggers.keep(
                trigger, ask.engine.triggers.check_payload(WEBHOOK, payload), trace_tag=tag
            )
    return JSONResponse(body, 202)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _dispatch_any(ask: Ask, body: Any, tag: str) -> None:
    if not isinstance(body, dict):
        raise RefusedError("Webhook body needs to be an object, got: array")
    if not body.get("trigger"):
        raise RefusedError("Trigger not specified.")
    kind = str(body["trigger"])
    try:
        payload = ask.engine.triggers.check_payload(kind, body.get("payload") or {})
    except NotFoundError:
        raise RefusedError(f'Trigger payload validation failed: trigger type "{kind}" not found') from None
    ask.engine.triggers.keep(triggers.trigger(kind, {}), payload, trace_tag=body.get("trace_tag") or tag)


def sensor_dispatch(ask: Ask) -> Values:
    """Take an event of a sensor; one with a wrong payload is dropped, as under StackStorm."""
    body = ask.body()
    instance = ask.engine.triggers.dispatch(
        str(body["trigger"]), body.get("payload") or {}, parameters=body.get("parameters"),
        trace_tag=body.get("trace_tag"),
    )  # fmt: skip
    return {"id": instance}


def sensor_triggers(ask: Ask) -> list[Values]:
    """Answer with the triggers of a sensor that rules wait for."""
    sensor = ask.engine.registry.get("sensor_type", ask.query.get("sensor", ""))
    own = {f"{sensor.pack}.{one['name']}" for one in sensor.data["trigger_types"]}
    found = {one["ref"]: one for one in map(triggers.trigger_of, ask.engine.registry.all("rule"))}
    return [one for one in found.values() if one["type"] in own]
