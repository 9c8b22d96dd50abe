"""Aliases: commands of a chat that become executions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine.alias_format import NoMatchError, extract
from st2local.engine.enabled import Enabled
from st2local.errors import NotFoundError, RefusedError
from st2local.parameters import cast
from st2local.templates import Templates
from st2local.values import Values


@dataclass(frozen=True)
class Format:
    """One way to say an alias; `display` is what the help shows."""

    alias: Resource
    display: str | None
    representation: str
    multiple: bool


def formats(alias: Resource) -> Iterator[Format]:
    """Return all the ways to say an alias."""
    for one in alias.data["formats"]:
        if isinstance(one, str):
            yield Format(alias, one, one, False)
            continue
        said = one.get("representation") or []
        for representation in [said] if isinstance(said, str) else said:
            yield Format(alias, one.get("display"), representation, bool(one.get("match_multiple")))


@dataclass
class Aliases:
    """Finds what a command says."""

    _registry: Registry
    _enabled: Enabled
    _templates: Templates

    def match(self, command: str) -> Format:
        """Return the one format that a command fits; raises RefusedError when it is none, or several."""
        every = [one for alias in self._enabled.all("action_alias") for one in formats(alias)]
        for multiple in (False, True):
            found = [one for one in every if one.multiple == multiple and _fits(one, command)]
            if len(found) > 1:
                kind = " (multi)" if multiple else ""
                raise RefusedError(f"Command '{command}' matched more than 1{kind} pattern")
            if found:
                return found[0]
        raise RefusedError(f"Command '{command}' matched no patterns")

    def by_name(self, name: str) -> Resource:
        """Return the alias of that name, whatever its pack; raises NotFoundError or RefusedError."""
        found = next((one for one in self._registry.all("action_alias") if one.name == name), None)
        if found is None:
            raise NotFoundError(f"Unable to find the ActionAliasDB instance. {{'name': '{name}'}}")
        if not self._enabled.has(found):
            raise RefusedError(f'Action alias with name "{name}" is disabled.')
        return found

    def parameters(self, alias: Resource, found: Values, context: Values) -> Values:
        """Return an execution's parameters: those said and the immutable ones. Raises RefusedError."""
        immutable = alias.data.get("immutable_parameters") or {}
        overridden = [name for name in immutable if name in found]
        if overridden:
            raise RefusedError(f"Immutable arguments cannot be overriden: {','.join(overridden)}")
        environment = {"st2kv": self._templates.datastore(context.get("user")), **context}
        merged = {**found, **self._templates.render_values(immutable, environment)}
        action = self._registry.find("action", alias.data["action_ref"])
        if action is None:
            raise NotFoundError(f'Action with ref "{alias.data["action_ref"]}" not found ')
        schemas = self._registry.parameters(action)
        return {name: _cast(value, schemas.get(name) or {}) for name, value in merged.items()}

    def help_strings(self, text: str, pack: str, limit: int, offset: int) -> Values:
        """Return what can be said, filtered by a pattern and a pack."""
        found = []
        for alias in self._enabled.all("action_alias"):
            if pack and alias.pack != pack:
                continue
            for one in alias.data["formats"]:
                display = one if isinstance(one, str) else one.get("display")
                if display and re.search(text, display, re.IGNORECASE):
                    found.append(
                        {"pack": alias.pack, "display": display, "description": alias.data["description"]}
                    )
        end = offset + limit if limit else None
        return {"available": len(found), "helpstrings": found[offset:end]}


def _fits(one: Format, command: str) -> bool:
    try:
        extract(one.representation, command)
    except NoMatchError:
        return False
    return True


def _cast(value: Any, prop: Values) -> Any:
    if prop.get("type") == "array" and isinstance(value, str) and not value.lstrip().startswith("["):
        return [one.strip() for one in value.split(",")]
    return cast(value, prop)
