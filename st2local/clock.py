"""Time as StackStorm writes it: UTC, ISO 8601, microseconds, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """Return the present moment as text; such texts sort by time."""
    return to_text(datetime.now(UTC))


def to_text(moment: datetime) -> str:
    """Write a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """Read a moment; one without a zone is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def later(seconds: float) -> str:
    """Return the moment `seconds` from now."""
    return to_text(datetime.now(UTC) + timedelta(seconds=seconds))


def seconds_since(text: str) -> float:
    """Return how many seconds ago `text` was (negative when it is to come)."""
    return (datetime.now(UTC) - parse(text)).total_seconds()
