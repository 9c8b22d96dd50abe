"""Values of JSON from outside, of which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[str, object]


def table(value: object) -> Table:
    """Return *value* where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """Return *value* where it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """Return *value* where it is text or a number, as text without space around it; else nothing."""
    is_plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return str(value).strip() if is_plain else ""


def is_missing(value: object) -> bool:
    """Return whether *value* says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def named_values(pairs: object) -> dict[str, object]:
    """Return what objects with a `name` and a `value`, or `Name` and `Value`, say."""
    found = [table(pair) for pair in items(pairs)]
    return {text(one.get("name", one.get("Name"))): one.get("value", one.get("Value")) for one in found}
