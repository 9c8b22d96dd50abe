"""The functions StackStorm adds to Jinja (as filters) and to Orquesta's expressions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import yaml

from st2local import jsonpath, version

NONE_MAGIC_VALUE = "%*****__%NONE%__*****%"


def plain(value: Any) -> Any:
    """Return a value made of plain objects and arrays; YAQL's own kinds of them cannot be written."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def from_json_string(value: Any) -> Any:
    """Parse JSON."""
    return json.loads(str(value))


def from_yaml_string(value: Any) -> Any:
    """Parse YAML."""
    return yaml.safe_load(str(value))


def to_json_string(
    value: Any, indent: int | None = None, sort_keys: bool = False, separators: Any = (",", ": ")
) -> str:
    """Write JSON."""
    return json.dumps(plain(value), indent=indent, sort_keys=sort_keys, separators=tuple(separators))


def to_yaml_string(value: Any, indent: int | None = None, allow_unicode: bool = True) -> str:
    """Write YAML."""
    return str(
        yaml.safe_dump(plain(value), indent=indent, allow_unicode=allow_unicode, default_flow_style=False)
    )


def json_escape(value: Any) -> str:
    """Escape a text so that it can stand inside a JSON string."""
    return json.dumps(value).strip('"')


def jsonpath_query(value: Any, query: str) -> list[Any] | None:
    """Return all matches of a JSONPath, or None."""
    return jsonpath.find(value, query) or None


def to_complex(value: Any) -> str:
    """Write a value as JSON, so that it keeps its type."""
    return json.dumps(value)


def use_none(value: Any) -> Any:
    """Keep a null through a template that can only give text."""
    return NONE_MAGIC_VALUE if value is None else value


def _flags(ignorecase: bool) -> int:
    return re.IGNORECASE if ignorecase else 0


def regex_match(value: Any, pattern: str, ignorecase: bool = False) -> bool:
    """Tell whether a text starts with a match of `pattern`."""
    return bool(re.match(pattern, str(value), _flags(ignorecase)))


def regex_search(value: Any, pattern: str, ignorecase: bool = False) -> bool:
    """Tell whether a text contains a match of `pattern`."""
    return bool(re.search(pattern, str(value), _flags(ignorecase)))


def regex_replace(value: Any, pattern: str, replacement: str, ignorecase: bool = False) -> str:
    """Replace every match of `pattern`."""
    return re.sub(pattern, replacement, str(value), flags=_flags(ignorecase))


def regex_substring(value: Any, pattern: str, result_index: int = 0, ignorecase: bool = False) -> Any:
    """Return the match of `pattern` with that index."""
    return re.findall(pattern, str(value), _flags(ignorecase))[result_index]


def to_human_time_from_seconds(seconds: float) -> str:
    """Write a span as `1h3m5s`."""
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{seconds}\u03bcs"
    span = timedelta(seconds=round(seconds))
    minutes, second = divmod(span.seconds, 60)
    hours, minute = divmod(minutes, 60)
    years, days = divmod(span.days, 365)
    parts = [(years, "y"), (days, "d"), (hours, "h"), (minute, "m"), (second, "s")]
    first = next((index for index, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return "".join(f"{amount}{unit}" for amount, unit in parts[first:])


Function = Callable[..., Any]

_NAMED: tuple[Function, ...] = (
    from_json_string, from_yaml_string, json_escape, jsonpath_query, to_complex, to_json_string,
    to_yaml_string, regex_match, regex_replace, regex_search, regex_substring, to_human_time_from_seconds,
    use_none, os.path.basename, os.path.dirname,
)  # fmt: skip
_OF_VERSIONS: tuple[Function, ...] = (
    version.compare, version.more_than, version.less_than, version.equal, version.match,
    version.bump_major, version.bump_minor, version.bump_patch, version.strip_patch,
)  # fmt: skip
FILTERS: dict[str, Function] = {
    **{one.__name__: one for one in _NAMED},
    **{f"version_{one.__name__}": one for one in _OF_VERSIONS},
}

_ONLY_IN_JINJA = ("to_complex",)
_OTHER_NAMES = {
    "json_dump": to_json_string,
    "json_parse": from_json_string,
    "yaml_dump": to_yaml_string,
    "yaml_parse": from_yaml_string,
}


def expression_functions() -> dict[str, Function]:
    """Return the functions for Orquesta, which also makes filters of them."""
    named = {**FILTERS, **_OTHER_NAMES}
    return {name: one for name, one in named.items() if name not in _ONLY_IN_JINJA}
