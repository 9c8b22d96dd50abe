"""One alarm as its monitoring system sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Signal:
    """The `status` of an alarm, and all that is said of it by `labels`; nothing of it is checked yet."""

    status: object
    labels: Mapping[str, object] = field(default_factory=dict)
