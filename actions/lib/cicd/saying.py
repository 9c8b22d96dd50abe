"""What an action says: its result with the message first, and the message itself. Pure."""

from __future__ import annotations

from typing import Mapping

from cicd.sanitize import neutral_data

FIRST = ("message", "error", "hint")


def shown(result: Mapping[str, object]) -> dict[str, object]:
    """Return an action's *result*, made neutral, with what people read before what programs read."""
    order = [*(name for name in FIRST if name in result), *(name for name in result if name not in FIRST)]
    return {name: neutral_data(result[name]) for name in order}


def sentences(shown: Mapping[str, object]) -> str:
    """
    Return what people read of a result as it is *shown*, in lines.

    StackStorm's command line sorts the keys of a result; what an action prints stands below all of them.
    """
    return "".join(f"{shown[name]}\n" for name in FIRST if shown.get(name))
