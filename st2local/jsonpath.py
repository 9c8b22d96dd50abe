"""JSONPath as rules and the filter `jsonpath_query` read it: by the library that follows StackStorm's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.jsonpath import JSONPath
from jsonpath_ng.parser import parse


@lru_cache(maxsize=1024)
def _parsed(path: str) -> JSONPath:
    return parse(path)


def find(value: Any, path: str) -> list[Any]:
    """Return every match of *path* (`a.b[0]['c'].*`, `$..n`) in *value*. Raises ValueError on a bad path."""
    try:
        return [match.value for match in _parsed(path).find(value)]
    except JSONPathError as error:
        raise ValueError(f'"{path}" is not a path: {error}') from error
