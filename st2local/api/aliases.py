"""Aliases: match a command, or match and execute it."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from st2local.api.ask import Ask
from st2local.api.content import document
from st2local.api.executions import shown
from st2local.content.resources import Resource
from st2local.engine.alias_format import extract
from st2local.engine.aliases import formats
from st2local.engine.request_execution import Request
from st2local.errors import ParamError, RefusedError
from st2local.values import Values


def _text(body: Values, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ParamError(f"'{name}' is a required property")
    return value


def match(ask: Ask) -> Values:
    """Answer with the alias that a command fits."""
    found = ask.engine.aliases.match(_text(ask.body(), "command"))
    return {
        "actionalias": document(ask, found.alias),
        "display": found.display,
        "representation": found.representation,
    }


def help_strings(ask: Ask) -> Values:
    """Answer with what can be said."""
    return ask.engine.aliases.help_strings(
        ask.query.get("filter") or "", ask.query.get("pack") or "",
        ask.number("limit", 0), ask.number("offset", 0),
    )  # fmt: skip


def execute(ask: Ask) -> Response:
    """Execute an alias that the caller has matched already."""
    body = ask.body()
    alias = ask.engine.aliases.by_name(_text(body, "name"))
    wanted = body.get("format") or ""
    if wanted not in [one.representation for one in formats(alias)]:
        raise RefusedError(f'Format string "{wanted}" is not available on the alias "{alias.name}"')
    found = extract(wanted, _text(body, "command"))[0]
    return JSONResponse(_execute(ask, alias, found, body), 201)


def match_and_execute(ask: Ask) -> Response:
    """Match a command and execute it."""
    body = ask.body()
    command = _text(body, "command")
    chosen = ask.engine.aliases.match(command)
    found = extract(chosen.representation, command, chosen.multiple)
    return JSONResponse({"results": [_execute(ask, chosen.alias, one, body) for one in found]}, 201)


def _execute(ask: Ask, alias: Resource, found: Values, body: Values) -> Values:
    context = {
        "action_alias_ref": {"id": alias.id, "name": alias.name},
        "api_user": body.get("user"),
        "user": ask.user,
        "source_channel": body.get("source_channel"),
    }
    parameters = ask.engine.aliases.parameters(alias, found, context)
    request = Request(alias.data["action_ref"], parameters, context, notify=_notify(body))
    execution = ask.engine.lifecycle.request(request)
    result: Values = {"execution": shown(ask, execution), "actionalias": document(ask, alias)}
    return {**result, **_acknowledgement(ask, alias, result)}


def _notify(body: Values) -> Values:
    route = body.get("notification_route") or body.get("notification_channel")
    data = {
        "user": body.get("user"),
        "source_channel": body.get("source_channel"),
        "source_context": body.get("source_context"),
    }
    return {"on-complete": {"routes": [route] if route else [], "data": data}}


def _acknowledgement(ask: Ask, alias: Resource, result: Values) -> Values:
    wanted = alias.data.get("ack") or {}
    said: Values = {}
    for name, attribute in (("format", "message"), ("extra", "extra")):
        if name not in wanted:
            continue
        try:
            said[attribute] = _rendered(ask, wanted[name], result)
        except Exception as error:
            said[attribute] = f'Cannot render "{name}" in field "ack" for alias. {error}'
    return said


def _rendered(ask: Ask, value: Any, context: Values) -> Any:
    return ask.engine.templates.render_values({"value": value}, context, lenient=True)["value"]
