"""The operators that a rule's criteria may use."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from st2local import clock
from st2local.errors import RefusedError

Operator = Callable[[Any, Any], bool]


def _needs_pattern(operator: Operator) -> Operator:
    def checked(value: Any, pattern: Any) -> bool:
        return pattern is not None and operator(value, pattern)

    return checked


def _seconds(value: Any) -> float:
    return clock.seconds_since(str(value))


_WITH_PATTERN: dict[str, Operator] = {
    "matchwildcard": lambda value, pattern: fnmatch.fnmatch(value, pattern),
    "matchregex": lambda value, pattern: re.compile(pattern, re.DOTALL).match(value) is not None,
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
    "iregex": lambda value, pattern: re.search(pattern, value, re.IGNORECASE) is not None,
    "equals": lambda value, pattern: bool(value == pattern),
    "iequals": lambda value, pattern: bool(value.lower() == pattern.lower()),
    "contains": lambda value, pattern: pattern in value,
    "icontains": lambda value, pattern: pattern.lower() in value.lower(),
    "ncontains": lambda value, pattern: pattern not in value,
    "incontains": lambda value, pattern: pattern.lower() not in value.lower(),
    "startswith": lambda value, pattern: bool(value.startswith(pattern)),
    "istartswith": lambda value, pattern: bool(value.lower().startswith(pattern.lower())),
    "endswith": lambda value, pattern: bool(value.endswith(pattern)),
    "iendswith": lambda value, pattern: bool(value.lower().endswith(pattern.lower())),
    "lessthan": lambda value, pattern: bool(value < pattern),
    "greaterthan": lambda value, pattern: bool(value > pattern),
    "timediff_lt": lambda value, pattern: _seconds(value) < float(pattern),
    "timediff_gt": lambda value, pattern: _seconds(value) > float(pattern),
    "inside": lambda value, pattern: value in pattern,
    "ninside": lambda value, pattern: value not in pattern,
}

OPERATORS: dict[str, Operator] = {
    **{name: _needs_pattern(one) for name, one in _WITH_PATTERN.items()},
    "nequals": lambda value, pattern: bool(value != pattern),
    "exists": lambda value, pattern: value is not None,
    "nexists": lambda value, pattern: value is None,
}

_SHORT = {
    "eq": "equals",
    "neq": "nequals",
    "ieq": "iequals",
    "lt": "lessthan",
    "gt": "greaterthan",
    "td_lt": "timediff_lt",
    "td_gt": "timediff_gt",
    "in": "inside",
    "nin": "ninside",
}
NAMES = frozenset([*OPERATORS, *_SHORT, "search"])


def apply(name: str, value: Any, pattern: Any) -> bool:
    """Tell whether `value` fits; raises what the operator raises, and RefusedError on an unknown one."""
    name = name.lower()
    operator = OPERATORS.get(_SHORT.get(name, name))
    if operator is None:
        raise RefusedError(f"Invalid operator: {name}")
    return operator(value, pattern)


def search(items: Any, condition: str, check: Callable[[Any], list[bool]]) -> bool:
    """Tell whether the items of a list fit; `check` gives, for one item, whether each pattern fits."""
    if condition not in _SEARCHES:
        raise RefusedError(
            f"The '{condition}' condition is not recognized for type search, 'any', 'all', 'any2any'"
            " and 'all2any' are allowed"
        )
    over_items, over_patterns = _SEARCHES[condition]
    listed = [items] if isinstance(items, dict) else items
    return over_items([over_patterns(check(item)) for item in listed])


_SEARCHES: dict[str, tuple[Callable[[list[bool]], bool], Callable[[list[bool]], bool]]] = {
    "any": (any, all),
    "all": (all, all),
    "all2any": (all, any),
    "any2any": (any, any),
}
