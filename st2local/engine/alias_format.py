"""How a command in a chat is matched against the format of an alias, and what it says."""

from __future__ import annotations

import functools
import re
from typing import Any

from st2local.errors import RefusedError
from st2local.values import Values

_parser: Any = getattr(re, "_parser")  # noqa: B009  # private, but sre_parse is deprecated

_KEY = r"\s*(\S+?)\s*"
_VALUE = r'""|\'\'|"(.+?)"|\'(.+?)\'|({.+?})|(\S+)'
_LONG_VALUE = r'""|\'\'|"(.+?)"|\'(.+?)\'|({.+?})|(.+?)'
_PAIR = rf"(?:^|\s+){_KEY}=({_VALUE})"
_ENDING = re.compile(rf".*?(({_PAIR}\s*)*)$", re.DOTALL)
_OPTIONAL = "{{" + _KEY + rf"\s*=\s*(?:{_LONG_VALUE})\s*" + "}}"
_REQUIRED = "{{" + _KEY + "}}"
_PARAMETER = r'\1["\']?(?P<\2>(?:(?<=\').+?(?=\')|(?<=").+?(?=")|{.+?}|.+?))["\']?'


class NoMatchError(RefusedError):
    """A command is none of this format."""


def extract(text: str, command: str, multiple: bool = False) -> list[Values]:
    """Return the parameters that `command` gives by the format `text`; raises NoMatchError."""
    pairs, stream = _split_pairs(command)
    pattern = _pattern(text)
    found = list(pattern.finditer(stream)) if multiple else [pattern.search(stream)]
    if found == [None]:
        raise NoMatchError(f'Command "{command}" doesn\'t match format string "{text}"')
    return [_parameters(text, match, pairs, stream) for match in found if match is not None]


def _split_pairs(command: str) -> tuple[list[tuple[str, ...]], str]:
    """Cut `key=value` pairs off the end of a command."""
    ending = _ENDING.match(command)
    tail = ending.group(1) if ending else ""
    if not tail:
        return [], f" {command} "
    return re.findall(_PAIR, tail, re.DOTALL), f" {command.replace(tail, '')} "


@functools.lru_cache(512)
def _pattern(text: str) -> re.Pattern[str]:
    pattern = re.sub(r"(\s*)" + _OPTIONAL, rf"(?:{_PARAMETER})?", text)
    pattern = re.sub(r"(\s*)" + _REQUIRED, _PARAMETER, pattern)
    tokens = _parser.parse(pattern, flags=re.DOTALL)
    if not _has_anchor(tokens, ("AT_BEGINNING", "AT_BEGINNING_STRING")):
        pattern = r"^\s*" + pattern
    if not _has_anchor(tokens, ("AT_END", "AT_END_STRING")):
        pattern += r"\s*$"
    return re.compile(pattern, re.DOTALL)


def _has_anchor(tokens: Any, names: tuple[str, str]) -> bool:
    for kind, value in tokens:
        if str(kind) == "AT" and str(value) in names:
            return True
        if str(kind) == "SUBPATTERN" and _has_anchor(value[-1], names):
            return True
        if str(kind) == "BRANCH" and any(_has_anchor(branch, names) for branch in value[1]):
            return True
    return False


def _parameters(text: str, match: re.Match[str], pairs: list[tuple[str, ...]], stream: str) -> Values:
    result: Values = match.groupdict()
    for name, *default in re.findall(_OPTIONAL, text, re.DOTALL):
        result[name] = result[name] or "".join(default)
    for name, _, *value in pairs:
        result[name] = "".join(value)
    if text and not (stream.strip() or any(result.values())):
        raise NoMatchError("No value supplied and no default value found.")
    return result


def parameter_names(text: str) -> set[str]:
    """Return the parameters that a format can give; raises re.error when it cannot be used."""
    return set(_pattern(text).groupindex)
