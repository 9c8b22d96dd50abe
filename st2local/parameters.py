"""Parameters of an execution: templates rendered in order of dependency, defaults put in, types cast."""

from __future__ import annotations

import ast
import graphlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from jinja2 import exceptions, meta

from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.errors import ParamError
from st2local.functions import NONE_MAGIC_VALUE
from st2local.templates import Templates, is_template
from st2local.values import Values

Schemas = Iterable[Values]
_WHOLE = re.compile(r'"{{([A-z0-9_-]+)}}"')


@dataclass(frozen=True)
class _Template:
    """A value still to be rendered, and the names it needs."""

    value: Any
    needs: set[str]


class Rendering:
    """One pass over a set of parameters: templates see each other, the action's context and the config."""

    def __init__(
        self, templates: Templates, context: Values, config: Values, extra: Values | None = None
    ) -> None:
        user = context.get("api_user") or context.get("user")
        self._templates = templates
        self._nodes: Values = {
            "st2kv": templates.datastore(user),
            "action_context": context,
            "config_context": config,
            **(extra or {}),
        }

    def add_values(self, values: Values) -> None:
        """Add values that are no templates, whatever they look like."""
        self._nodes.update(values)

    def add_templates(self, values: Values) -> None:
        """Add values that may be templates."""
        for name, value in values.items():
            self._nodes[name] = self._parsed(value)

    def add_defaults(self, schemas: Schemas) -> None:
        """Put the default of every parameter that is missing, null or immutable."""
        for schema in schemas:
            for name, prop in schema.items():
                prop = prop or {}
                if self._nodes.get(name) is None or prop.get("immutable"):
                    self._nodes[name] = self._parsed(prop.get("default"))

    def _parsed(self, value: Any) -> Any:
        if not is_template(value):
            return value
        try:
            tree = self._templates.strict.parse(str(value))
        except exceptions.TemplateSyntaxError:
            return value
        return _Template(value, meta.find_undeclared_variables(tree))

    def result(self) -> Values:
        """Render everything; raises ParamError when a name is missing, circular or cannot be rendered."""
        needs = {
            name: node.needs if isinstance(node, _Template) else set() for name, node in self._nodes.items()
        }
        for name in sorted(set().union(*needs.values())):
            if name not in self._nodes:
                raise ParamError(f'Dependency unsatisfied in variable "{name}"')
        rendered: Values = {}
        for name in _ordered(needs):
            rendered[name] = self._render(name, self._nodes[name], rendered)
        return rendered

    def _render(self, name: str, node: Any, context: Values) -> Any:
        if not isinstance(node, _Template):
            return node
        try:
            if isinstance(node.value, str):
                return self._templates.render(node.value, context)
            text = _WHOLE.sub(r"{{\1 | to_complex}}", json.dumps(node.value))
            return json.loads(self._templates.render(text, context))
        except Exception as error:
            raise ParamError(f'Failed to render parameter "{name}": {error}') from error


def _ordered(needs: dict[str, set[str]]) -> Iterable[str]:
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        raise ParamError(
            "Cyclic dependency found in the following variables: "
            f"{min(error.args[1])}. Likely the variable is referencing itself"
        ) from None


def render_live(rendering: Rendering, given: Values, own: Values, runner: Values) -> Values:
    """Return the given parameters, rendered and cast, and those whose default is a template."""
    rendering.add_templates(given)
    rendering.add_defaults([own, runner])
    context = rendering.result()
    result = {name: cast(context[name], own.get(name) or runner.get(name) or {}) for name in given}
    for schema in (own, runner):
        for name, prop in schema.items():
            if name not in given and _has_live_default(prop or {}, context[name]):
                result[name] = cast(context[name], prop)
    return result


def _has_live_default(prop: Values, value: Any) -> bool:
    return not prop.get("immutable") and is_template(prop.get("default")) and prop["default"] != value


def render_final(rendering: Rendering, given: Values, own: Values, runner: Values) -> tuple[Values, Values]:
    """Return (runner's, action's own) parameters, complete; given values are not rendered again."""
    rendering.add_values(given)
    rendering.add_defaults([own, runner])
    context = rendering.result()
    merged = {name: {**(runner.get(name) or {}), **(own.get(name) or {})} for name in {*own, *runner}}
    values = {name: cast(context[name], prop) for name, prop in merged.items()}
    runners = {name: value for name, value in values.items() if name in runner}
    return runners, {name: value for name, value in values.items() if name not in runner}


def cast(value: Any, prop: Values) -> Any:
    """Return `value` as the type its schema names; raises ParamError where that is impossible."""
    if value == NONE_MAGIC_VALUE and isinstance(value, str):
        return None
    kind = prop.get("type")
    caster = _CASTS.get(kind) if isinstance(kind, str) else None
    if value is None or caster is None:
        return value
    try:
        return caster(value)
    except (ValueError, TypeError, SyntaxError) as error:
        raise ParamError(str(error)) from error


def _object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)


def _boolean(value: Any) -> Any:
    return ast.literal_eval(value.capitalize()) if isinstance(value, str) else value


def _string(value: Any) -> Any:
    if not isinstance(value, str):
        kind = type(value).__name__
        raise ValueError(f'Value "{value}" must either be a string or None. Got "{kind}".')
    return value


_CASTS: dict[str, Callable[[Any], Any]] = {
    "array": _object,
    "boolean": _boolean,
    "integer": int,
    "number": float,
    "object": _object,
    "string": _string,
}


@dataclass
class ActionParameters:
    """Renders parameters by the schemas of an action and its runner."""

    _registry: Registry
    _templates: Templates
    _configs: Configs

    def live(self, action: Resource, given: Values, context: Values, extra: Values | None = None) -> Values:
        """Return the given parameters, rendered and cast; raises ParamError."""
        config = self._configs.get_or_empty(context.get("pack"), context.get("user"))
        rendering = Rendering(self._templates, context, config, extra)
        return render_live(rendering, given, *self._schemas(action))

    def final(self, action: Resource, given: Values, context: Values) -> tuple[Values, Values]:
        """Return (runner's, action's own) parameters, complete. Raises ParamError, or what Jinja raises."""
        config = self._configs.get(action.pack, context.get("user"))
        rendering = Rendering(self._templates, {**context, "pack": action.pack}, config)
        return render_final(rendering, given, *self._schemas(action))

    def _schemas(self, action: Resource) -> tuple[Values, Values]:
        return action.data.get("parameters") or {}, self._registry.runner(action).parameters
