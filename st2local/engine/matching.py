"""Decides which rules an event fits; what cannot be decided does not fit, and is said."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from st2local import jsonpath
from st2local.content.resources import Resource
from st2local.engine import criteria
from st2local.templates import Templates
from st2local.values import Values

Undecided = Callable[[Resource, str], None]
_EXPRESSION = re.compile(r"({{)\s*(.*)\s*(}})")


@dataclass
class Matcher:
    """Tries rules on one event; `undecided` is told the rule and why."""

    _templates: Templates
    _instance: Values
    _undecided: Undecided

    def matching(self, rules: Iterable[Resource]) -> list[Resource]:
        """Return the rules that fit; backstop rules only when no other does."""
        every = list(rules)
        first = [rule for rule in every if not _is_backstop(rule) and self._fits(rule)]
        second = [rule for rule in every if _is_backstop(rule) and not first and self._fits(rule)]
        return first + second

    def _fits(self, rule: Resource) -> bool:
        wanted = rule.data.get("criteria") or {}
        payload = self._instance["payload"]
        if wanted and not payload:
            return False
        return all(self._holds(rule, key, one, {"trigger": payload}) for key, one in wanted.items())

    def _holds(self, rule: Resource, key: str, wanted: Values, context: Values) -> bool:
        doing = f'Failed to render pattern value "{wanted.get("pattern")}" for key "{key}"'
        try:
            pattern = self._pattern(wanted.get("pattern"), context)
            doing = f"Failed transforming criteria key {key}"
            found = jsonpath.find(context, key.partition("#")[0])
            doing = f"There might be a problem with the criteria in rule {rule.ref}"
            value = found[0] if found else None
            if wanted["type"].lower() == "search":
                return self._search(rule, value, wanted.get("condition", ""), pattern)
            return criteria.apply(wanted["type"], value, pattern)
        except Exception as error:
            instance = self._instance["id"]
            self._undecided(
                rule,
                f'Failed to match rule "{rule.ref}" against trigger instance "{instance}": {doing}: {error}',
            )
            return False

    def _search(self, rule: Resource, value: Any, condition: str, patterns: Values) -> bool:
        def check(item: Any) -> list[bool]:
            return [self._holds(rule, name, one, {"item": item}) for name, one in patterns.items()]

        return criteria.search(value, condition, check)

    def _pattern(self, pattern: Any, context: Values) -> Any:
        """Return the rendered pattern; an expression that gives JSON keeps its type."""
        if not isinstance(pattern, str) or not ("{{" in pattern or "{%" in pattern):
            return pattern
        stored = self._templates.datastore(None)
        full = {"st2kv": stored, "system": stored["system"], **context}
        if _EXPRESSION.search(pattern):
            # A TypeError stays one: StackStorm cannot decide by `{{ st2kv.system.x }}` without a filter.
            with contextlib.suppress(ValueError):
                typed = _EXPRESSION.sub(r"\1\2 | to_complex\3", pattern)
                return json.loads(self._templates.render(typed, full))
        return self._templates.render(pattern, full)


def _is_backstop(rule: Resource) -> bool:
    return (rule.data.get("type") or {}).get("ref") == "backstop"
