"""JSON schemas as StackStorm writes them: draft 4, with `required: true` on the property itself."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from st2local.errors import ParamError

Schema = dict[str, Any]
Path = tuple[str, ...]

_NESTED_MAPS = ("properties", "patternProperties", "definitions")
_NESTED_ONE = ("items", "additionalProperties", "additionalItems", "not")
_NESTED_MANY = ("anyOf", "oneOf", "allOf")

SIMPLE_TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"]


def draft4(schema: Any) -> Any:
    """Return `schema` with each boolean `required` moved into its parent's list."""
    if not isinstance(schema, dict):
        return schema
    result = {
        key: value for key, value in schema.items() if not (key == "required" and value in (True, False))
    }
    for key in _NESTED_MAPS:
        if isinstance(result.get(key), dict):
            result[key] = {name: draft4(value) for name, value in result[key].items()}
    for key in _NESTED_ONE:
        if key in result:
            value = result[key]
            result[key] = [draft4(one) for one in value] if isinstance(value, list) else draft4(value)
    for key in _NESTED_MANY:
        if isinstance(result.get(key), list):
            result[key] = [draft4(one) for one in result[key]]
    _collect_required(schema, result)
    return result


def _collect_required(schema: Schema, result: Schema) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    names = [n for n, p in properties.items() if isinstance(p, dict) and p.get("required") is True]
    if names:
        result["required"] = sorted(names)


def listed_required(schema: Any, path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Yield (path, list) of each `required` that is a list: StackStorm refuses all checked with it."""
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("required"), list):
        yield (*path, "required"), schema["required"]
    for key in _NESTED_MAPS:
        for name, value in (schema.get(key) or {}).items():
            yield from listed_required(value, (*path, key, name))
    for key in (*_NESTED_ONE, *_NESTED_MANY):
        value = schema.get(key)
        for one in value if isinstance(value, list) else [value]:
            yield from listed_required(one, (*path, key))


def errors(instance: Any, schema: Schema) -> list[tuple[list[str | int], str]]:
    """Return (path, sentence) for everything in `instance` that `schema` refuses, or for its own mistake."""
    for _, listed in listed_required(schema):
        return [([], f"{listed} is not of type 'boolean'")]
    validator = jsonschema.Draft4Validator(draft4(schema))
    found = sorted(validator.iter_errors(instance), key=lambda error: list(map(str, error.absolute_path)))
    return [(list(error.absolute_path), _sentence(error)) for error in found]


def _sentence(error: Any) -> str:
    message = str(error.message)
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where}: {message}" if where else message


def with_defaults(instance: Any, schema: Schema) -> Any:
    """Return `instance` with the schema's defaults put where a value is missing or null."""
    if isinstance(instance, list) and isinstance(schema.get("items"), dict):
        return [with_defaults(item, schema["items"]) for item in instance]
    if not isinstance(instance, dict):
        return instance
    result = dict(instance)
    for name, prop in (schema.get("properties") or {}).items():
        if result.get(name) is None and "default" in prop:
            result[name] = copy.deepcopy(prop["default"])
        if result.get(name) is not None:
            result[name] = with_defaults(result[name], prop)
    return result


def allow_none(schema: Schema) -> Schema:
    """Return `schema` where an optional property without a default may also be null."""
    result = dict(schema)
    result["properties"] = {
        name: _nullable(prop) if isinstance(prop, dict) else prop
        for name, prop in (schema.get("properties") or {}).items()
    }
    return result


def _nullable(prop: Schema) -> Schema:
    nested = allow_none(prop) if prop.get("properties") else dict(prop)
    if (prop.get("required") and "default" not in prop) or prop.get("default") is not None:
        return nested
    if "anyOf" in nested:
        return {**nested, "anyOf": [*nested["anyOf"], {"type": "null"}]}
    kind = nested.get("type")
    if kind is None:
        return nested
    kinds = kind if isinstance(kind, list) else [kind]
    return {**nested, "type": kinds if "null" in kinds else [*kinds, "null"]}


def check(instance: Any, schema: Schema) -> Any:
    """Return `instance` with defaults; raises ParamError with the first thing the schema refuses."""
    instance = with_defaults(instance, schema)
    found = errors(instance, allow_none(schema))
    if found:
        path, message = found[0]
        raise ParamError(re.sub(r"^[^:]*: ", "", message) if path else message)
    return instance


ANY_TYPE: Schema = {"anyOf": [{"type": one} for one in SIMPLE_TYPES if one != "null"]}


def for_parameters(parameters: dict[str, Any]) -> Schema:
    """Return the object schema that a set of parameters must fit."""
    if not parameters:
        return {}
    return {
        "type": "object",
        "properties": {name: prop or ANY_TYPE for name, prop in parameters.items()},
        "additionalProperties": False,
    }
