"""Text from outside: what may be shown to people, and how it is made harmless."""

from __future__ import annotations

import re
from datetime import datetime, timezone

TEMPLATE_OPENERS = re.compile(r"(?<=[{<])(?=[{%#])")
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
# Controls but tab and newline, and the bidirectional overrides that reorder what people read.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
ZERO_WIDTH_SPACE = "\u200b"
LEFT_OUT = " … "


def neutral(text: str, limit: int = 4000) -> str:
    """
    Return *text* so that neither a template engine nor a terminal acts on it.

    StackStorm and Orquesta evaluate strings again as Jinja and YAQL: a zero width
    space separates the characters that open an expression. At most *limit*
    characters are kept, the last ones, since failures stand at the end.
    """
    visible = INVISIBLE.sub("", ANSI.sub("", text))
    kept = visible if len(visible) <= limit else "…" + visible[-limit:]
    return TEMPLATE_OPENERS.sub(ZERO_WIDTH_SPACE, kept)


def neutral_data(value: object) -> object:
    """Return JSON-like *value* with every string in it, keys too, made neutral."""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, dict):
        return {neutral(str(key)): neutral_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [neutral_data(item) for item in value]
    return value


def one_line(text: str, limit: int = 300) -> str:
    """
    Return *text* as one neutral line of at most *limit* characters.

    A longer one keeps both ends: what was tried stands first, and why it failed last.
    """
    line = neutral(" ".join(text.split()), len(text))
    half = (limit - len(LEFT_OUT)) // 2
    return line if len(line) <= limit else f"{line[:half]}{LEFT_OUT}{line[-half:]}"


def moment(at: float) -> str:
    """Return the epoch second *at* as people read it, in UTC."""
    return datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def rfc3339(at: float) -> str:
    """Return the epoch second *at* as programs read it, in UTC."""
    return datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def beginning(text: str, limit: int) -> str:
    """Return *text* as one neutral line, the first *limit* characters of it, for reasons stand first."""
    line = one_line(text, 10 * limit)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def age(seconds: float) -> str:
    """Return a length of time in its largest unit: `40 s`, `12 min`, `5 h`, `3 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


MENTION_OR_LINK = re.compile(
    r"(?<=@)(?=\w)|(?<=<)(?=[!@#a-z])|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\])(?=\()|(?<=\{)(?=~)",
    re.IGNORECASE,
)


def unlinked(text: str) -> str:
    """Return *text* so that a chat neither calls anybody by it nor makes a link of it."""
    return MENTION_OR_LINK.sub(ZERO_WIDTH_SPACE, text)
