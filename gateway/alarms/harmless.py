"""Free text of alarms, so that no template, shell or terminal acts on it."""

from __future__ import annotations

import re

LIMIT = 200
UNSAFE = r"\x00-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb{}<$`;|\\"
_INVISIBLE = re.compile(f"[{UNSAFE}]")
# What looks alike and is nothing to a template or a shell: two checks that differ should still differ.
_ALIKE = str.maketrans({"{": "(", "}": ")", "<": "\u2039", "`": "'", ";": ",", "|": "/", "\\": "/", "$": "_"})


def harmless(text: str, limit: int = LIMIT) -> str:
    """Return *text* as one line of at most *limit* characters that begins as a name does, or is empty."""
    line = _INVISIBLE.sub("", " ".join(text[: 20 * limit].split()).translate(_ALIKE))
    visible = " ".join(line.split()).lstrip(" ./-")
    return visible if len(visible) <= limit else f"{visible[: limit - 1]}…"
