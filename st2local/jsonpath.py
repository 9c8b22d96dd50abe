"""The part of JSONPath that rules use: names, quoted names, indexes and wildcards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"""\.?(?:
        \[\s*'(?P<single>[^']*)'\s*\] | \[\s*"(?P<double>[^"]*)"\s*\] |
        \[\s*(?P<index>-?\d+)\s*\] | (?P<all>\[\s*\*\s*\]|\*) |
        '(?P<quoted>[^']*)' | "(?P<dquoted>[^"]*)" |
        (?P<name>[^.\[\]'"*]+)
    )""",
    re.VERBOSE,
)


def find(value: Any, path: str) -> list[Any]:
    """Return every match of `path` (`a.b[0]['c'].*`) in `value`. Raises ValueError on a bad path."""
    matches = [value]
    for step in _steps(path):
        matches = [child for one in matches for child in _children(one, step)]
    return matches


def _steps(path: str) -> list[str | int | None]:
    steps: list[str | int | None] = []
    position = 2 if path.startswith("$.") else 1 if path.startswith("$") else 0
    while position < len(path):
        match = _TOKEN.match(path, position)
        if match is None or match.end() == position:
            raise ValueError(f'"{path}" is not a path: cannot read "{path[position:]}"')
        position = match.end()
        if match["all"]:
            steps.append(None)
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            names = (match["single"], match["double"], match["quoted"], match["dquoted"], match["name"])
            steps.append(next(name for name in names if name is not None))
    return steps


def _children(value: Any, step: str | int | None) -> list[Any]:
    if step is None:
        return (
            list(value.values())
            if isinstance(value, dict)
            else list(value)
            if isinstance(value, list)
            else []
        )
    if isinstance(step, int):
        inside = isinstance(value, list) and -len(value) <= step < len(value)
        return [value[step]] if inside else []
    if isinstance(value, Mapping) and step in value:
        return [value[step]]
    return []
