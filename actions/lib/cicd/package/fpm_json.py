"""Reading fpm.json: its values, every problem with its line, and its JSON schema. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from cicd.package.fields import FPM_JSON
from cicd.package.shape import Where
from cicd.sanitize import one_line

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
DECODER = json.JSONDecoder()
SPACES = re.compile(r"\s*")


def parse(text: str | None) -> tuple[dict[str, Any], list[str]]:
    """
    Return the values of the fpm.json *text* and every problem with it, each with its line.

    None means that there is no such file. Values that have a problem are left out.
    """
    if text is None:
        return {}, ["fpm.json is missing: add it with at least `version` and `description`"]
    twice: list[str] = []
    try:
        values = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, twice))
    except ValueError as error:
        where = getattr(error, "lineno", 1)
        return {}, [f"fpm.json line {where} is not JSON: {one_line(getattr(error, 'msg', str(error)), 100)}"]
    except RecursionError:
        return {}, ["fpm.json is nested too deeply"]
    if not isinstance(values, dict):
        return {}, ['fpm.json must be an object, such as {"version": "1.0.0", "description": "…"}']
    problems = list(FPM_JSON.problems(values))
    said = [f"fpm.json has `{one_line(key, 40)}` twice: keep one" for key in twice]
    said += [at(text, where, sentence) for where, sentence in problems]
    wrong = {where[0] for where, _ in problems if where}
    return {key: value for key, value in values.items() if key not in wrong}, said


def at(text: str | None, where: Where, sentence: str) -> str:
    """Return *sentence* with the line of the fpm.json *text* on which *where* stands."""
    return f"fpm.json line {line_of(text or '', where)}: {sentence}" if where else sentence


def schema() -> dict[str, object]:
    """Return the JSON schema of fpm.json, as docs/fpm.schema.json publishes it."""
    meaning = "What the package of a project is; see docs/project.md."
    return {"$schema": SCHEMA_ID, "title": "fpm.json", **FPM_JSON.schema(meaning)}


def line_of(text: str, where: Where) -> int:
    """Return the line of *where*, a way of keys and numbers, in the JSON *text*; or of as far as it goes."""
    start = value = _skip(text, 0)
    for key in where:
        members = {name: (begins, of) for name, begins, of in _members(text, value)}
        start, value = members.get(key, (start, value))
    return text.count("\n", 0, start) + 1


def _members(text: str, position: int) -> Iterator[tuple[str | int, int, int]]:
    """Yield of each member of the object or list at *position* its name, and where it and its value begin."""
    is_object, number = text[position] == "{", 0
    position = _skip(text, position + 1)
    while text[position] not in "}]":
        name, start = number, position
        if is_object:
            name, position = DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        yield name, start, position
        position = _skip(text, DECODER.raw_decode(text, position)[1])
        number += 1
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    spaces = SPACES.match(text, position)
    return spaces.end() if spaces else position


def _object(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice += sorted({name for name in names if names.count(name) > 1})
    return dict(pairs)
