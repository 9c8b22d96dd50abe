"""Which attributes each kind of metadata file may have, and of what type."""

from __future__ import annotations

from typing import Any

from st2local.content.schema import SIMPLE_TYPES, Schema

PACK_REF = r"^[a-z0-9_]+$"
_SEMVER = r"^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$"
_BOUND = r"((>?>|>=|=|<=|<?<)\s*[0-9]+\.[0-9]+\.[0-9]+)"


def _text(**more: Any) -> Schema:
    return {"type": "string", **more}


def _object(properties: dict[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


_COUNT: Schema = {"type": "integer", "minimum": 0}
_REF: Schema = {"$ref": "#/definitions/property"}
_MAP_OF_REF: Schema = {"type": "object", "additionalProperties": _REF}
_LIST_OF_REF: Schema = {"type": "array", "minItems": 1, "items": _REF}
_BOOLEANS = ("exclusiveMaximum", "exclusiveMinimum", "uniqueItems", "required", "secret", "immutable")
_COUNTS = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties")
_TEXTS = ("id", "$schema", "title", "description", "pattern")


def _property(kind: Schema) -> Schema:
    properties: dict[str, Schema] = {name: _text() for name in _TEXTS}
    properties.update({name: {"type": "boolean"} for name in _BOOLEANS})
    properties.update({name: _COUNT for name in _COUNTS})
    properties.update({name: _MAP_OF_REF for name in ("definitions", "properties", "patternProperties")})
    properties.update({name: _LIST_OF_REF for name in ("allOf", "anyOf", "oneOf")})
    properties.update({name: {"type": "number"} for name in ("maximum", "minimum")})
    either: Schema = {"anyOf": [{"type": "boolean"}, _REF]}
    properties.update(
        {
            "type": kind,
            "default": {},
            "enum": {"type": "array", "minItems": 1, "uniqueItems": True},
            "items": {"anyOf": [_REF, _LIST_OF_REF]},
            "additionalItems": either,
            "additionalProperties": either,
            "not": _REF,
            "dependencies": {"type": "object"},
            "position": {"type": "number", "minimum": 0},
            "multipleOf": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        }
    )
    return _object(properties)


_SINGLE = _property({"enum": SIMPLE_TYPES})
_MULTIPLE = _property({"anyOf": [{"enum": SIMPLE_TYPES}, {"type": "array", "minItems": 1}]})
PARAMETERS: Schema = {"type": "object", "patternProperties": {r"^\w+$": _REF}, "additionalProperties": False}
_NOTIFY = _object(
    {
        "message": _text(),
        "data": {"type": "object"},
        "routes": {"type": "array"},
        "channels": {"type": "array"},
    }
)
_COMMON: dict[str, Schema] = {
    "id": _text(),
    "ref": _text(),
    "uid": _text(),
    "name": _text(required=True),
    "pack": _text(),
    "description": _text(),
    "enabled": {"type": "boolean"},
    "metadata_file": _text(),
}
_TAGS: Schema = {"type": "array", "items": {"type": "object"}}

ACTION = _object(
    {
        **_COMMON,
        "runner_type": _text(required=True),
        "entry_point": _text(),
        "parameters": PARAMETERS,
        "output_schema": {"type": "object"},
        "tags": _TAGS,
        "notify": _object({"on-complete": _NOTIFY, "on-failure": _NOTIFY, "on-success": _NOTIFY}),
    },
    definitions={"property": _SINGLE},
)

RULE = _object(
    {
        **_COMMON,
        "type": {"type": "object"},
        "trigger": {
            "type": "object",
            "required": True,
            "properties": {
                "type": _text(required=True),
                "description": _text(),
                "parameters": {"type": "object"},
                "ref": _text(),
            },
        },
        "criteria": {"type": "object"},
        "action": _object(
            {"ref": _text(required=True), "description": _text(), "parameters": {"type": "object"}},
            required=True,
        ),
        "context": {"type": "object"},
        "tags": _TAGS,
    }
)

_SHOWN: dict[str, Schema] = {"enabled": {"type": "boolean"}, "format": _text(), "extra": {"type": "object"}}
_FORMAT: Schema = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "display": _text(),
                "representation": {"type": "array", "items": {"type": "string"}},
            },
        },
    ]
}
ALIAS = _object(
    {
        **_COMMON,
        "action_ref": _text(required=True),
        "formats": {"type": "array", "items": _FORMAT, "required": True},
        "ack": {"type": "object", "properties": {**_SHOWN, "append_url": {"type": "boolean"}}},
        "result": {"type": "object", "properties": _SHOWN},
        "extra": {"type": "object"},
        "immutable_parameters": {"type": "object"},
    }
)

TRIGGER_TYPE = _object(
    {**_COMMON, "payload_schema": {"type": "object"}, "parameters_schema": {"type": "object"}, "tags": _TAGS}
)
_SENSOR_TRIGGER: Schema = {
    "type": "object",
    "properties": {
        "name": _text(required=True),
        "description": _text(),
        "payload_schema": {"type": "object"},
        "parameters_schema": {"type": "object"},
    },
}
SENSOR: Schema = {
    "type": "object",
    "properties": {
        "class_name": _text(required=True),
        "entry_point": _text(required=True),
        "description": _text(),
        "enabled": {"type": "boolean"},
        "poll_interval": {"type": "number"},
        "pack": _text(),
        "trigger_types": {"type": "array", "items": _SENSOR_TRIGGER},
    },
}
POLICY = _object(
    {
        **_COMMON,
        "policy_type": _text(required=True),
        "resource_ref": _text(required=True),
        "parameters": {"type": "object"},
    }
)
PACK: Schema = {
    "type": "object",
    "properties": {
        "name": _text(required=True),
        "ref": _text(pattern=PACK_REF),
        "description": _text(required=True),
        "version": _text(required=True, pattern=_SEMVER),
        "author": _text(required=True),
        "email": _text(),
        "keywords": {"type": "array", "items": {"type": "string"}},
        "stackstorm_version": _text(pattern=rf"^\s*{_BOUND}(\s*,\s*{_BOUND})*\s*$"),
        "python_versions": {"type": "array", "items": {"enum": ["2", "3"]}, "minItems": 1, "maxItems": 2},
        "contributors": {"type": "array", "items": {"type": "string", "maxLength": 100}},
        "dependencies": {"type": "array", "items": {"type": "string"}},
        "system": {"type": "object"},
    },
}
CONFIG_SCHEMA: Schema = {
    "type": "object",
    "patternProperties": {r"^\w+$": _REF},
    "additionalProperties": False,
    "definitions": {"property": _MULTIPLE},
}
