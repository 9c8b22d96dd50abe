"""What a value in fpm.json may be: a text, a flag, a list, a record; and the JSON schema of it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Tuple, TypedDict, Union

from cicd.sanitize import one_line

Where = Tuple[Union[str, int], ...]
Problem = Tuple[Where, str]


class Schema(TypedDict, total=False):
    """The JSON schema of a value."""

    description: str
    type: str
    pattern: str
    items: Schema
    required: List[str]
    additionalProperties: bool
    properties: Dict[str, Schema]
    examples: List[object]


@dataclass(frozen=True)
class Text:
    """A text that its *pattern* takes as a whole; *must_be* says the same in words."""

    pattern: str
    must_be: str
    example: Any

    def problems(self, value: object, where: Where) -> Iterator[Problem]:
        """Yield what is wrong with *value*, which stands at *where*."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value) or _is_torn(value):
            yield where, _sentence(self, where)

    def schema(self, meaning: str) -> Schema:
        """Return the JSON schema of a value that means *meaning*."""
        said = f"{meaning} Must be {self.must_be}.".lstrip()
        return {"description": said, "type": "string", "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    example: Any = True
    must_be: str = "true or false"

    def problems(self, value: object, where: Where) -> Iterator[Problem]:
        """Yield what is wrong with *value*, which stands at *where*."""
        if not isinstance(value, bool):
            yield where, _sentence(self, where)

    def schema(self, meaning: str) -> Schema:
        """Return the JSON schema of a value that means *meaning*."""
        return {"description": meaning, "type": "boolean"}


@dataclass(frozen=True)
class Items:
    """A list of what *each* is."""

    each: Shape

    @property
    def example(self) -> Any:
        """A list with one item."""
        return [self.each.example]

    @property
    def must_be(self) -> str:
        """What it must be, in words."""
        return f"a list, each item of it {self.each.must_be}"

    def problems(self, value: object, where: Where) -> Iterator[Problem]:
        """Yield what is wrong with *value*, which stands at *where*."""
        if not isinstance(value, list):
            yield where, _sentence(self, where)
            return
        for number, item in enumerate(value):
            yield from self.each.problems(item, (*where, number))

    def schema(self, meaning: str) -> Schema:
        """Return the JSON schema of a value that means *meaning*."""
        return {"description": meaning, "type": "array", "items": self.each.schema("")}


@dataclass(frozen=True)
class Field:
    """A named value of a record: its shape, and what it *meaning*s."""

    shape: Shape
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class Record:
    """An object with named *fields*."""

    fields: Mapping[str, Field]
    example: Any

    @property
    def must_be(self) -> str:
        """What it must be, in words."""
        return f"an object with {', '.join(self.fields)}"

    def problems(self, value: object, where: Where = ()) -> Iterator[Problem]:
        """Yield what is wrong with *value*, which stands at *where*."""
        if not isinstance(value, dict):
            yield where, _sentence(self, where)
            return
        for key, item in value.items():
            if key in self.fields:
                yield from self.fields[key].shape.problems(item, (*where, key))
            else:
                yield (
                    (*where, key),
                    f"`{one_line(name((*where, key)), 80)}` is not known; known are {self._known()}",
                )
        for key, field in self.fields.items():
            if field.required and key not in value:
                yield (
                    where,
                    f"{_subject(where)} has no `{key}`: add it, such as {json.dumps(field.shape.example)}",
                )

    def schema(self, meaning: str) -> Schema:
        """Return the JSON schema of a value that means *meaning*."""
        return {
            "description": meaning,
            "type": "object",
            "required": [key for key, field in self.fields.items() if field.required],
            "additionalProperties": False,
            "properties": {
                key: {**field.shape.schema(field.meaning), "examples": [field.shape.example]}
                for key, field in self.fields.items()
            },
        }

    def _known(self) -> str:
        return ", ".join(sorted(self.fields))


Shape = Union[Text, Flag, Items, Record]
Fields = Dict[str, Field]


def name(where: Where) -> str:
    """Return *where* as people write it: `files[0].mode`."""
    said = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return said.lstrip(".")


def _sentence(shape: Shape, where: Where) -> str:
    return f"{_subject(where)} must be {shape.must_be}, such as {json.dumps(shape.example)}"


def _subject(where: Where) -> str:
    return f"`{name(where)}`" if where else "fpm.json"


def _is_torn(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
