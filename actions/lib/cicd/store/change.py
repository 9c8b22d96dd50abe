"""What a command decides on a snapshot of a project: the release afterwards, and what is written with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence, Tuple

from cicd.clients.consul import Operation
from cicd.release.record import Release
from cicd.store.snapshot import Snapshot


@dataclass(frozen=True)
class Change:
    """
    What a command decided: the `release` afterwards, and what the change is called and why in its history.

    `also` is written with it, or must not have changed since: operations of the same transaction.
    `excused` are hosts that it does not wait for.
    """

    release: Release
    what: str
    why: str
    also: Sequence[Operation] = ()
    excused: Tuple[str, ...] = ()


Command = Callable[[Snapshot], Change]
Decide = Callable[[Release], Release]


def unfenced(_: Release) -> list[Operation]:
    """Add nothing to a change that needs no deploy lock."""
    return []
