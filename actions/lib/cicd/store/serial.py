"""Names of keys that sort in the order in which they were given, whatever the clock does meanwhile."""

from __future__ import annotations

import re
import uuid
from typing import Iterable

NUMBERED = re.compile(r"(?:.*/)?([0-9]{14})-[0-9a-f]{8}")


def following(keys: Iterable[str], now: float) -> str:
    """Return a name that comes after those of *keys*: of *now* (epoch seconds), or one after the last."""
    last = max((int(found[1]) for found in map(NUMBERED.fullmatch, keys) if found), default=0)
    return f"{max(int(now * 1000), last + 1):014d}-{uuid.uuid4().hex[:8]}"
