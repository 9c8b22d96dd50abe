"""Masks what a schema calls secret, before anybody is shown it."""

from __future__ import annotations

from typing import Any

MASK = "********"
Values = dict[str, Any]


def mask(value: Any, prop: Values) -> Any:
    """Return `value` with every secret part, by its schema, replaced."""
    if prop.get("secret"):
        return MASK if value else value
    if isinstance(value, dict) and prop.get("type") == "object":
        properties = prop.get("properties") or {}
        more = prop.get("additionalProperties")
        rest = more if isinstance(more, dict) else {}
        return {name: mask(one, properties.get(name) or rest) for name, one in value.items()}
    if isinstance(value, list) and prop.get("type") == "array" and isinstance(prop.get("items"), dict):
        return [mask(one, prop["items"]) for one in value]
    return value


def mask_parameters(parameters: Values, schemas: Values) -> Values:
    """Return parameters with the secret ones replaced."""
    return {name: mask(value, schemas.get(name) or {}) for name, value in parameters.items()}


def mask_result(result: Any, output_key: str | None, output_schema: Values) -> Any:
    """Return a result with what the action's output schema calls secret replaced."""
    if not output_schema or output_key is None or not isinstance(result, dict) or output_key not in result:
        return result
    full = output_schema if "type" in output_schema and isinstance(output_schema["type"], str) else None
    checked = full or {"type": "object", "properties": output_schema}
    return {**result, output_key: mask(result[output_key], checked)}
