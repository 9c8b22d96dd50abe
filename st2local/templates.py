"""Jinja as StackStorm sets it up: sandboxed, strict about undefined names, with its filters and `st2kv`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import jinja2
import jinja2.sandbox

from st2local.datastore import SYSTEM, SYSTEM_USER, USER, Datastore
from st2local.functions import FILTERS
from st2local.values import Values


def is_template(value: Any) -> bool:
    """Tell, as loosely as StackStorm does, whether a value is a template."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, list | dict) else ""
    return "{{" in text or "{%" in text


class KeyLookup:
    """`st2kv.system` in a template: attributes and items are names, dots in names included."""

    def __init__(self, read: Callable[[str], str], name: str = "") -> None:
        self._read = read
        self._name = name

    def __getattr__(self, part: str) -> KeyLookup:
        if part.startswith("__"):
            raise AttributeError(part)
        return KeyLookup(self._read, f"{self._name}.{part}" if self._name else part)

    __getitem__ = __getattr__

    def get(self, name: str) -> KeyLookup:
        """Return the lookup of a name that is no identifier."""
        return self.__getattr__(name)

    def __str__(self) -> str:
        return self._read(self._name)


class Templates:
    """Renders templates with the datastore of this server."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self.strict = self._environment(jinja2.StrictUndefined)
        self.lenient = self._environment(jinja2.Undefined)
        self.compile = functools.lru_cache(512)(self.strict.from_string)

    def _environment(self, undefined: type[jinja2.Undefined]) -> jinja2.Environment:
        environment = jinja2.sandbox.SandboxedEnvironment(
            undefined=undefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters.update(FILTERS)
        environment.filters["decrypt_kv"] = self._decrypt
        environment.tests["in"] = lambda item, container: item in container
        return environment

    def _decrypt(self, value: Any) -> str:
        text = str(value)
        if isinstance(value, KeyLookup) and not text:
            name = value._name
            raise ValueError(
                f'Referenced datastore item "{name}" doesn\'t exist or it contains an empty string'
            )
        return self._datastore.decrypt(text)

    def datastore(self, user: str | None) -> dict[str, KeyLookup]:
        """Return what `st2kv` is in a template."""

        def reader(scope: str, owner: str) -> Callable[[str], str]:
            def read(name: str) -> str:
                key = self._datastore.find(name, scope, owner)
                return "" if key is None else key.value

            return read

        return {"system": KeyLookup(reader(SYSTEM, "")), "user": KeyLookup(reader(USER, user or SYSTEM_USER))}

    def render(self, template: str, context: Values) -> str:
        """Render one text; raises what Jinja raises."""
        return self.compile(template).render(context)

    def render_values(self, mapping: Values, context: Values, lenient: bool = False) -> Values:
        """Render the values of a mapping; objects and arrays are rendered as JSON and keep their type."""
        return {name: self._render_value(value, context, lenient) for name, value in mapping.items()}

    def _render_value(self, value: Any, context: Values, lenient: bool) -> Any:
        nested = isinstance(value, dict | list)
        text = json.dumps(value) if nested else str(value)
        if not is_template(text):
            return value
        environment = self.lenient if lenient else self.strict
        rendered = environment.from_string(text).render({"__context": context, **context})
        return json.loads(rendered) if nested else rendered
