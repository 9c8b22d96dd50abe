"""Turns what an action returns into what JSON knows, as far as StackStorm's encoder does."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from typing import Any


def convert(value: Any) -> Any:
    """Return `value` made of plain types; raises TypeError for what cannot be."""
    if value is None or isinstance(value, bool):
        return value
    for kind, plain in ((str, str), (int, int), (float, float)):
        if isinstance(value, kind) and not isinstance(value, enum.Enum):
            return plain(value)
    if isinstance(value, dict):
        return {str(name): convert(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [convert(one) for one in value]
    return _convert_known(value)


def _convert_known(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return convert(value.value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return convert(dataclasses.asdict(value))
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")
