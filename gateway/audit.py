"""What was decided about every event: one JSON line each, and counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

import orjson


@dataclass(frozen=True)
class Decision:
    """What was decided about one event, and why; neither free text nor a secret."""

    source: str
    delivery: str
    decision: str
    reason: str = ""
    repository: str = ""
    commit: str = ""


class Audit:
    """Writes decisions to *stream* and counts them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.counts: Counter[tuple[str, str]] = Counter()

    def record(self, decision: Decision) -> None:
        """Write the line of *decision*."""
        self.counts[decision.source, decision.decision] += 1
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._stream.write(orjson.dumps({"time": time, **vars(decision)}).decode() + "\n")
        self._stream.flush()
