"""Every key of the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from reference import pack
from reference.markdown import code, page, table
from reference.pack import Yaml

NAME = "<name>"


def configuration() -> str:
    """Return the page: a section for each key at the top, and in it every key below."""
    lines: list[str] = []
    for key, about in pack.schema().items():
        lines += [f"## {key}", "", str(about.get("description", "")), ""]
        lines += table(("key", "type", "default", "meaning"), _rows(key, about))
    return page("Configuration", "`config.schema.yaml`", lines)


def settings() -> list[str]:
    """Return the dotted name of every key, with its type."""
    return [
        f"{key}: {about.get('type', '')}"
        for name, at in pack.schema().items()
        for key, about in _all(name, at)
    ]


def _all(key: str, about: Yaml) -> Iterator[tuple[str, Yaml]]:
    yield key, about
    for name, value in _below(key, about):
        yield from _all(name, value)


def _rows(key: str, about: Yaml) -> Iterator[tuple[str, ...]]:
    below = list(_below(key, about))
    if not below:
        yield _row(key, about)
    for name, value in below:
        yield _row(name, value)
        if list(_below(name, value)):
            yield from _rows(name, value)


def _below(key: str, about: Yaml) -> Iterator[tuple[str, Yaml]]:
    if "items" in about and isinstance(about["items"], dict):
        yield from _below(f"{key}[]", about["items"])
    for name, value in about.get("properties", {}).items():
        yield f"{key}.{name}", value
    named = [*about.get("patternProperties", {}).values(), about.get("additionalProperties")]
    for value in named:
        if isinstance(value, dict):
            yield f"{key}.{NAME}", value


def _row(key: str, about: Yaml) -> tuple[str, ...]:
    default = about.get("default", "")
    said = "required" if about.get("required") is True else code(_plain(default))
    return code(key), _type(about), said, str(about.get("description", ""))


def _type(about: Yaml) -> str:
    if "enum" in about:
        return "one of " + ", ".join(code(one) for one in about["enum"] if one != "")
    kind = str(about.get("type", ""))
    least = f", from {about['minimum']}" if "minimum" in about else ""
    most = f" to {about['maximum']}" if "maximum" in about else ""
    return kind + least + most


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in ("", [], {}, None) else str(value)
