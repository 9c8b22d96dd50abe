"""What Consul keeps as keys, as text. Pure."""

from __future__ import annotations

import base64


def texts(answer: object, prefix: str) -> dict[str, str]:
    """
    Return the values of Consul's *answer* about *prefix*, by what follows it in their keys.

    Bytes that are no UTF-8 become U+FFFD. KeyError, TypeError or ValueError when it is no such answer.
    """
    items = answer or []
    if not isinstance(items, list):
        raise TypeError(type(items))
    return {item["Key"][len(prefix) :]: _text(item["Value"]) for item in items}


def _text(value: str | None) -> str:
    return base64.b64decode(value or "").decode("utf-8", "replace")
