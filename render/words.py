"""What a template may print: nothing of it ends a word or a line, or is read as a command. Pure."""

from __future__ import annotations

import json
import re

WORD = re.compile(r"[A-Za-z0-9._:/@+=,~-]+")
UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029$%]")


class Safe(str):
    """
    Text that may be printed as it is.

    What is made of it by adding, joining or replacing is plain text again, and checked again.
    """


def printed(value: object) -> str:
    """Return *value* as a template prints it; ValueError unless it is a number, a plain word or Safe."""
    if isinstance(value, Safe) or type(value) in (int, float):
        return str(value)
    if isinstance(value, str) and WORD.fullmatch(value):
        return value
    if isinstance(value, (str, bool, bytes, list, tuple, dict, type(None))):
        raise ValueError(f"{value!r:.80} is not a plain word; see `quoted` and `json`")
    return printed(str(value))


def is_word(value: object) -> bool:
    """Whether *value* would be printed as it is."""
    return isinstance(value, str) and bool(WORD.fullmatch(value))


def quoted(value: object) -> Safe:
    """
    Return *value* in double quotes, as HAProxy, nginx and others read them.

    ValueError where it has a control character, or what they would replace within quotes.
    """
    text = str(value)
    if UNQUOTABLE.search(text):
        raise ValueError(f"{text!r:.80} cannot be quoted: it has a control character, $ or %")
    return Safe('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def as_json(value: object) -> Safe:
    """Return *value* as JSON, on one line."""
    return Safe(json.dumps(value, sort_keys=True))


def trusted(value: object) -> object:
    """Return *value* with all its text Safe: it is from a file of this host's own root."""
    if isinstance(value, str):
        return Safe(value)
    if isinstance(value, list):
        return [trusted(one) for one in value]
    if isinstance(value, dict):
        return {str(key): trusted(one) for key, one in value.items()}
    return value
