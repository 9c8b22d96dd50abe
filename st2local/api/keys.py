"""The datastore."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from st2local.api.ask import Ask, page
from st2local.datastore import SYSTEM, USER, Key, full_scope
from st2local.errors import ParamError
from st2local.values import Values


def _scope(ask: Ask) -> str:
    return full_scope(ask.query.get("scope") or SYSTEM)


def _user(ask: Ask) -> str:
    return ask.as_user(ask.query.get("user"))


def _shown(ask: Ask, key: Key) -> Values:
    return key.document(ask.engine.datastore.plain(key) if ask.flag("decrypt") else None)


def list_all(ask: Ask) -> Response:
    """Answer with keys, by scope and prefix."""
    scope = ask.query.get("scope") or SYSTEM
    wanted = None if scope == "all" else full_scope(scope)
    found = ask.engine.datastore.list(wanted, _user(ask), ask.query.get("prefix") or "")
    name = ask.query.get("name")
    return page(ask, [_shown(ask, key) for key in found if not name or key.name == name])


def get(ask: Ask) -> Values:
    """Answer with one key."""
    return _shown(ask, ask.engine.datastore.get(ask.path["name"], _scope(ask), _user(ask)))


def put(ask: Ask) -> Values:
    """Set a key."""
    body = ask.body()
    value: Any = body.get("value")
    if not isinstance(value, str):
        raise ParamError(
            f"{value!r} is not of type 'string'" if "value" in body else "'value' is a required property"
        )
    scope = full_scope(body.get("scope") or ask.query.get("scope") or SYSTEM)
    user = ask.as_user(body.get("user") or ask.query.get("user"))
    key = ask.engine.datastore.set(
        ask.path["name"], value, scope, user if scope == USER else "",
        secret=bool(body.get("secret")), ttl=body.get("ttl"), encrypted=bool(body.get("encrypted")),
    )  # fmt: skip
    return key.document()


def delete(ask: Ask) -> Response:
    """Delete a key."""
    ask.engine.datastore.delete(ask.path["name"], _scope(ask), _user(ask))
    return Response(status_code=204)
