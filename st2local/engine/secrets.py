"""Masks what a schema calls secret, before anybody is shown it."""

from __future__ import annotations

import re
from typing import Any

from st2local.values import Values

MASK = "********"


def mask(value: Any, prop: Any, rest: bool = True) -> Any:
    """Return `value` with every secret part, by its schema, replaced; `rest` reads more than `properties`."""
    if not isinstance(prop, dict):
        return value
    if prop.get("secret"):
        return MASK
    if isinstance(value, dict) and prop.get("type") == "object":
        return {name: mask(one, _schema_of(name, prop, rest), rest) for name, one in value.items()}
    if isinstance(value, list) and prop.get("type") == "array":
        return _mask_items(value, prop, rest)
    return value


def _schema_of(name: str, prop: Values, rest: bool) -> Any:
    properties = prop.get("properties") or {}
    if name in properties or not rest:
        return properties.get(name)
    for pattern, one in (prop.get("patternProperties") or {}).items():
        if re.search(pattern, name):
            return one
    return prop.get("additionalProperties")


def _mask_items(values: list[Any], prop: Values, rest: bool) -> list[Any]:
    items = prop.get("items")
    if not isinstance(items, list):
        return [mask(one, items, rest) for one in values]
    if not rest:
        return values
    more = [prop.get("additionalItems")] * (len(values) - len(items))
    return [mask(one, item, rest) for one, item in zip(values, [*items, *more], strict=False)]


def mask_parameters(parameters: Values, schemas: Values) -> Values:
    """Return parameters with the secret ones replaced, even where they are null, as there."""
    return {name: mask(value, schemas.get(name), rest=False) for name, value in parameters.items()}


def mask_result(result: Any, output_key: str | None, output_schema: Values) -> Any:
    """Return a result with what the action's output schema calls secret replaced."""
    if not output_schema or output_key is None or not isinstance(result, dict) or output_key not in result:
        return result
    full = output_schema if "type" in output_schema and isinstance(output_schema["type"], str) else None
    checked = full or {"type": "object", "properties": output_schema}
    return {**result, output_key: mask(result[output_key], checked)}
