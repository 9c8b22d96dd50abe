"""A pack's config: values from `<configs>/<pack>.yaml`, defaults from its schema, templates rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from st2local.content import schema
from st2local.content.registry import Registry
from st2local.content.yaml_file import Finding, Unreadable, YamlFile
from st2local.datastore import Datastore
from st2local.errors import NotFoundError
from st2local.templates import Templates, is_template
from st2local.values import Values


class Configs:
    """The values of all packs, read at the start; rendered each time they are asked for."""

    def __init__(
        self, registry: Registry, directory: Path | None, templates: Templates, store: Datastore
    ) -> None:
        self._registry = registry
        self._directory = directory
        self._templates = templates
        self._datastore = store
        self._values: dict[str, Values] = {}
        self.findings: list[Finding] = []
        for ref in registry.packs:
            self._values[ref] = self._read(ref)

    def again(self, registry: Registry) -> Configs:
        """Return the values as the files are now, of the packs in *registry*."""
        return Configs(registry, self._directory, self._templates, self._datastore)

    def replace(self, other: Configs) -> None:
        """Hold what *other* holds."""
        self._values, self.findings = other._values, other.findings

    def path(self, pack: str) -> Path | None:
        """Return where a pack's values stand."""
        return self._directory / f"{pack}.yaml" if self._directory else None

    def _read(self, pack: str) -> Values:
        path = self.path(pack)
        if path is None or not path.exists():
            return {}
        try:
            file = YamlFile(path)
        except Unreadable as error:
            self.findings.append(error.finding)
            return {}
        values = file.data if isinstance(file.data, dict) else {}
        self.findings.extend(check(file, values, self._registry.packs[pack].config_schema))
        return values

    def stored(self, pack: str) -> Values:
        """Return the values as they stand in the file; raises NotFoundError."""
        if pack not in self._registry.packs:
            raise NotFoundError(f'Config for pack "{pack}" not found')
        return self._values.get(pack, {})

    def store(self, pack: str, values: Values) -> None:
        """Replace a pack's values, in memory and in the file."""
        self.stored(pack)
        schema.check(values, schema.for_parameters(self._registry.packs[pack].config_schema))
        path = self.path(pack)
        if path is not None:
            path.write_text(json.dumps(values, indent=2) + "\n")
            path.chmod(0o600)
        self._values[pack] = values

    def get(self, pack: str | None, user: str | None = None) -> Values:
        """Return a pack's complete, rendered config. Raises what Jinja raises."""
        if pack is None or pack not in self._registry.packs:
            return {}
        attributes = self._registry.packs[pack].config_schema
        values = _with_defaults(self._values.get(pack, {}), attributes)
        context = {"st2kv": self._templates.datastore(user)}
        return {
            name: self._render(value, attributes.get(name) or {}, context) for name, value in values.items()
        }

    def get_or_empty(self, pack: str | None, user: str | None = None) -> Values:
        """Return a pack's config, or nothing when it cannot be rendered, as there."""
        try:
            return self.get(pack, user)
        except Exception:
            return {}

    def _render(self, value: Any, prop: Values, context: Values) -> Any:
        if isinstance(value, dict):
            nested = prop.get("properties") or {}
            return {name: self._render(one, nested.get(name) or {}, context) for name, one in value.items()}
        if isinstance(value, list):
            items = prop.get("items") if isinstance(prop.get("items"), dict) else {}
            return [self._render(one, items or {}, context) for one in value]
        if not isinstance(value, str) or not is_template(value):
            return value
        return self._rendered(value, prop, context)

    def _rendered(self, value: str, prop: Values, context: Values) -> Any:
        text = self._templates.render(value, context)
        if prop.get("secret") and text:
            text = self._datastore.decrypt(text)
        try:
            return json.loads(text)
        except ValueError:
            return text


def _with_defaults(values: Values, attributes: Values) -> Values:
    """Return values with defaults; unlike elsewhere, objects and arrays that are missing are made."""
    result = dict(values)
    for name, prop in attributes.items():
        prop = prop or {}
        if "default" in prop and name not in result:
            result[name] = prop["default"]
        if prop.get("type") == "object" and prop.get("properties"):
            result[name] = _with_defaults(result.get(name) or {}, prop["properties"])
        if prop.get("type") == "array" and prop.get("items"):
            result[name] = schema.with_defaults(result.get(name) or [], prop)
    return result


def check(file: YamlFile, values: Values, attributes: Values) -> list[Finding]:
    """Return a finding for every value that the config schema refuses; templates are not looked into."""
    if not attributes:
        return []
    found = []
    checked = schema.with_defaults(values, schema.for_parameters(attributes))
    for keys, message in schema.errors(checked, schema.allow_none(schema.for_parameters(attributes))):
        if not (keys and is_template(_at(values, keys))):
            found.append(file.finding(message, keys))
    return found


def _at(value: Any, keys: list[str | int]) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value
