"""Identifiers shaped like MongoDB's ObjectId: 24 hex digits that sort by time of creation."""

from __future__ import annotations

import itertools
import os
import time

_PROCESS = os.urandom(5).hex()
_COUNTER = itertools.count(int.from_bytes(os.urandom(2), "big"))


def new() -> str:
    """Return a fresh identifier."""
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) & 0xFFFFFF:06x}"
