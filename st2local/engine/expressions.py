"""Orquesta's expression functions that look into this server: `st2kv` and `task`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from st2local.values import Values


@dataclass(frozen=True)
class Lookups:
    """How to read a key (name, user, decrypt) and a task (workflow, task, route); None = not there."""

    key: Callable[[str, str, bool], str | None]
    task: Callable[[str, str, int], Values | None]


_lookups: ContextVar[Lookups] = ContextVar("lookups")


@contextmanager
def looking_into(lookups: Lookups) -> Iterator[None]:
    """Evaluate expressions with these look-ups."""
    token = _lookups.set(lookups)
    try:
        yield
    finally:
        _lookups.reset(token)


def _error(message: str) -> Exception:
    from orquesta import exceptions

    error: Exception = exceptions.ExpressionEvaluationException(message)
    return error


def st2kv(context: Any, key: str, **options: Any) -> Any:
    """Return a key of the datastore; options: `default`, `decrypt`."""
    if not isinstance(key, str):
        raise TypeError("Given key is not typeof string.")
    decrypt = options.get("decrypt", False)
    if not isinstance(decrypt, bool):
        raise TypeError("Decrypt parameter is not typeof bool.")
    try:
        user = context["__vars"]["st2"]["user"]
    except KeyError:
        raise KeyError("Could not get user from context.") from None
    value = _lookups.get().key(key, user, decrypt)
    if value is not None:
        return value
    if "default" in options:
        return options["default"]
    raise _error(f'The key "{key}" does not exist in the StackStorm datastore.')


def task(context: Any, task_id: str | None = None, route: int | None = None) -> Any:
    """Return the newest execution of a task: its status, result and times."""
    current = _current_task(context)
    identifier = current["id"] if task_id is None else task_id
    wanted = current.get("route", 0) if route is None else route
    state = _state(context)
    for candidate in _routes(state, wanted):
        if f"{identifier}__r{candidate}" in (state.get("tasks") or {}):
            workflow = context["__vars"]["st2"]["workflow_execution_id"]
            found = _lookups.get().task(workflow, identifier, candidate)
            if found is not None:
                return found
    raise _error(f'Unable to find task execution for "{identifier}".')


def _state(context: Any) -> Values:
    try:
        return dict(context["__state"] or {})
    except (KeyError, TypeError):
        return {}


def _current_task(context: Any) -> Values:
    try:
        return dict(context["__current_task"] or {})
    except (KeyError, TypeError):
        return {}


def _routes(state: Values, route: int) -> Iterator[int]:
    yield route
    details = state.get("routes") or []
    if 0 < route < len(details):
        for earlier in range(route - 1, -1, -1):
            if set(details[earlier]) <= set(details[route]):
                yield earlier
