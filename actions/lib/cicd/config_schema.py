"""config.schema.yaml: the defaults that it gives, and what it refuses, key by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple, TypedDict, Union

PACK = Path(__file__).resolve().parents[3]
Keys = Tuple[Union[str, int], ...]

KINDS: Dict[str, Tuple[Any, str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
    "array": ((list, tuple), "a list"),
    "object": (Mapping, "a mapping of names to values"),
}

NUMBERS = ("integer", "number")


class Schema(TypedDict, total=False):
    """The JSON schema of a value, as far as StackStorm takes it; `required` stands at the key itself."""

    type: str
    default: object
    required: bool
    enum: List[object]
    minimum: float
    maximum: float
    minItems: int
    pattern: str
    items: Schema
    properties: Dict[str, Schema]
    patternProperties: Dict[str, Schema]
    additionalProperties: bool | Schema


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value of *keys*, the way to it."""

    keys: Keys
    why: str

    @property
    def name(self) -> str:
        """The key as people write it: `projects.greeter.freeze_windows[0].zone`."""
        said = ""
        for key in self.keys:
            said += f"[{key}]" if isinstance(key, int) else f".{key:.80}"
        return said.lstrip(".")


@lru_cache(maxsize=None)
def attributes() -> Dict[str, Schema]:
    """Return the schema of each key at the top."""
    code = _Schema("schema", str(PACK / "config.schema.yaml")).get_code("schema")
    assert code is not None
    found: Dict[str, Any] = {}
    exec(code, found)
    return dict(found["ATTRIBUTES"])


class _Schema(SourceFileLoader):
    """
    Compiles the schema as if it were a module, so that Python keeps it in `__pycache__` as it keeps modules.

    To import PyYAML and read the schema takes longer than all else that an action does before it acts.
    """

    def source_to_code(self, data: Any, path: Any, **_: Any) -> CodeType:  # type: ignore[override]
        """Return code that sets ATTRIBUTES to what the YAML *data* says."""
        import yaml

        attributes = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return compile(f"ATTRIBUTES = {attributes!r}", path, "exec")


def sections() -> Dict[str, Dict[str, object]]:
    """Return the defaults of each section that has keys of its own."""
    return {
        name: {key: one["default"] for key, one in section["properties"].items() if "default" in one}
        for name, section in attributes().items()
        if "properties" in section
    }


def problems(config: Mapping[str, object]) -> List[Problem]:
    """Return everything that the schema refuses in *config*; a value of null is one that is not given."""
    whole: Schema = {"type": "object", "properties": attributes(), "additionalProperties": False}
    given = {**{name: {} for name in sections()}, **_given(config)}
    return list(_check(given, whole, ()))


def problems_of_project(name: str, values: object) -> List[Problem]:
    """Return everything that the schema refuses in *values*, all that a file says of the project *name*."""
    return list(_check({name: values}, attributes()["projects"], ("projects",)))


def _given(values: Mapping[Any, Any]) -> Dict[Any, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _check(value: Any, schema: Schema, keys: Keys) -> Iterator[Problem]:
    wrong = _wrong(value, schema)
    if wrong:
        yield Problem(keys, wrong)
    elif schema["type"] == "object":
        yield from _check_members(_given(value), schema, keys)
    elif schema["type"] == "array":
        for number, item in enumerate(value):
            yield from _check(item, schema["items"], (*keys, number))


def _wrong(value: Any, schema: Schema) -> str:
    kind, words = KINDS[schema["type"]]
    if not isinstance(value, kind) or (schema["type"] in NUMBERS and isinstance(value, bool)):
        return f"must be {words}, not {value!r:.80}"
    rules: Dict[str, Callable[[Any], bool]] = {
        "enum": lambda wanted: value in wanted,
        "minimum": lambda least: value >= least,
        "maximum": lambda most: value <= most,
        "minItems": lambda least: len(value) >= least,
        "pattern": lambda pattern: re.search(pattern, value) is not None,
    }
    for rule, wanted in schema.items():
        if rule in rules and not rules[rule](wanted):
            return _unfit(rule, wanted, value)
    return ""


def _unfit(rule: str, wanted: Any, value: Any) -> str:
    sentences = {
        "enum": "must be one of {wanted}, not {value}",
        "minimum": "must be at least {wanted}, not {value}",
        "maximum": "must be at most {wanted}, not {value}",
        "minItems": "must not be empty",
        "pattern": "is {value}, which does not match {wanted}",
    }
    shown = ", ".join(map(str, wanted)) if rule == "enum" else wanted
    return sentences[rule].format(wanted=shown, value=f"{value!r:.80}")


def _check_members(given: Mapping[Any, Any], schema: Schema, keys: Keys) -> Iterator[Problem]:
    properties = schema.get("properties") or {}
    for name, value in given.items():
        found = _schema_of(str(name), schema)
        if found:
            yield from _check(value, found, (*keys, str(name)))
        else:
            yield Problem((*keys, str(name)), _unknown(str(name), schema))
    for name, one in properties.items():
        if one.get("required") and given.get(name) in (None, ""):
            yield Problem((*keys, name), "is missing")


def _schema_of(name: str, schema: Schema) -> Schema:
    if name in (schema.get("properties") or {}):
        return schema["properties"][name]
    for pattern, one in (schema.get("patternProperties") or {}).items():
        if re.search(pattern, name):
            return one
    others = schema.get("additionalProperties")
    return others if isinstance(others, dict) else {}


def _unknown(name: str, schema: Schema) -> str:
    if schema.get("patternProperties"):
        return f"is not a name that matches {' or '.join(schema['patternProperties'])}"
    import difflib

    known = list(schema.get("properties") or {})
    longer = [one for one in known if one.startswith(name)]
    nearest = longer or difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"there are {', '.join(known)}"
    return f"is not a key ({hint})"
