"""What an action says: its result with the message first, and the message itself. Pure."""

from __future__ import annotations

from typing import Mapping

from cicd import phrases
from cicd.sanitize import neutral_data, rfc3339

FIRST = ("message", "error", "hint")
READ = (*FIRST, "next", "reason")
MOMENTS = frozenset(("at", "began", "since", "when"))  # epoch seconds in Consul's records


def shown(result: Mapping[str, object]) -> dict[str, object]:
    """
    Return an action's *result*, made neutral, with what people read before what programs read.

    Its moments are as RFC 3339 has them, in UTC; one that never was is empty.
    """
    order = [*(name for name in FIRST if name in result), *(name for name in result if name not in FIRST)]
    return {name: _dated(name, neutral_data(result[name])) for name in order}


def in_chat(shown: Mapping[str, object]) -> dict[str, object]:
    """Return a result as it is *shown* in chat, where people say words and type no commands."""
    return {
        name: phrases.spoken(value) if name in READ and isinstance(value, str) else value
        for name, value in shown.items()
    }


def has_commands(shown: Mapping[str, object]) -> bool:
    """Whether a result names a command for which chat might have words."""
    return any(phrases.COMMAND in str(shown.get(name)) for name in READ)


def sentences(shown: Mapping[str, object]) -> str:
    """
    Return what people read of a result as it is *shown*, in lines.

    StackStorm's command line sorts the keys of a result; what an action prints stands below all of them.
    """
    return "".join(f"{shown[name]}\n" for name in FIRST if shown.get(name))


def _dated(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {inner: _dated(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_dated("", item) for item in value]
    if name in MOMENTS and isinstance(value, (int, float)):
        return rfc3339(value) if value else ""
    return value
