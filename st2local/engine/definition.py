"""A workflow's definition: parsed, inspected and composed once per text."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from st2local import functions, orquesta_compat
from st2local.content.registry import Registry
from st2local.engine import expressions
from st2local.values import Values

orquesta_compat.install(
    {**functions.expression_functions(), "st2kv": expressions.st2kv, "task": expressions.task}
)

from orquesta import conducting  # noqa: E402
from orquesta.composers import native as composer  # noqa: E402
from orquesta.expressions import base as expression_base  # noqa: E402
from orquesta.specs import loader as specs  # noqa: E402


@dataclass(frozen=True)
class Definition:
    """A workflow ready to be conducted."""

    spec: Any
    problems: list[Values]

    @functools.cached_property
    def graph(self) -> Any:
        """The composed graph; it does not change while workflows run."""
        return composer.WorkflowComposer.compose(self.spec)

    def conductor(self, inputs: Values, context: Values) -> Any:
        """Return a conductor at the beginning of the workflow."""
        conductor = conducting.WorkflowConductor(self.spec, context=context, inputs=inputs)
        conductor._graph = self.graph
        return conductor


@functools.lru_cache(64)
def parse(text: str) -> Definition:
    """Parse and inspect a definition; raises what orquesta raises when it is no workflow at all."""
    spec = specs.get_spec_module("native").instantiate(text)
    found = spec.inspect(app_ctx={"st2": {}, "parent": {}}, raise_exception=False)
    problems = [_categorised(kind, one) for kind, entries in found.items() for one in entries]
    return Definition(spec, problems)


def _categorised(kind: str, entry: Values) -> Values:
    named = dict(entry)
    if kind in ("context", "expressions"):
        named["language"] = named.pop("type")
    return {**named, "type": _CATEGORIES[kind]}


_CATEGORIES = {
    "contents": "content",
    "context": "context",
    "expressions": "expression",
    "semantics": "semantic",
    "syntax": "syntax",
}


def restore(parts: Values) -> Any:
    """Return the conductor that was kept as `parts`."""
    return conducting.WorkflowConductor.deserialize(parts)


def inspect(definition: Definition, registry: Registry) -> list[Values]:
    """Return what is wrong with a definition, and with what it asks of the actions it calls."""
    problems = list(definition.problems)
    for name, task in definition.spec.tasks.items():
        action, given = getattr(task, "action", None), getattr(task, "input", None) or {}
        if not action or _is_expression(action):
            continue
        problems.extend(_check_call(name, action, given, registry))
    return sorted(problems, key=lambda one: (one["type"], str(one.get("schema_path"))))


def _is_expression(text: str) -> bool:
    return any(one.has_expressions(text) for one in expression_base.get_evaluators().values())


def _check_call(task: str, ref: str, given: Any, registry: Registry) -> list[Values]:
    at = "properties.tasks.patternProperties.^\\w+$.properties"
    spec_path = f"tasks.{task}"
    action = registry.find("action", ref) if "." in ref else None
    if action is None:
        message = f'The action "{ref}" is not registered in the database.'
        if "." not in ref:
            message = f'The action reference "{ref}" is not formatted correctly.'
        return [_problem(message, f"{spec_path}.action", f"{at}.action")]
    if not isinstance(given, dict):
        return []
    missing, unexpected = check_parameters(registry.parameters(action), given)
    found = [
        _problem(f'Action "{ref}" is missing required input "{name}".', f"{spec_path}.input", f"{at}.input")
        for name in missing
    ]
    for name in unexpected:
        message = f'Action "{ref}" has unexpected input "{name}".'
        found.append(_problem(message, f"{spec_path}.input.{name}", f"{at}.input.patternProperties.^\\w+$"))
    return found


def _problem(message: str, spec_path: str, schema_path: str) -> Values:
    return {"type": "content", "message": message, "spec_path": spec_path, "schema_path": schema_path}


def check_parameters(schemas: Values, given: Values) -> tuple[list[str], list[str]]:
    """Return the names of required parameters that are missing, and of given ones that are unknown."""
    missing = [
        name
        for name, prop in schemas.items()
        if (prop or {}).get("required") and (prop or {}).get("default") is None and name not in given
    ]
    return sorted(missing), sorted(name for name in given if name not in schemas)
