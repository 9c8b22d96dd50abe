"""What a person may do about a version that came to its ring, as a chat offers it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cicd.config import Project
from cicd.release.lifecycle import AUTO
from cicd.release.stored import HistoryEntry


@dataclass(frozen=True)
class Button:
    """To approve, reject, promote or roll back a `version`, on or to a `ring`."""

    what: str
    version: str
    ring: str


def of(project: Project, entry: HistoryEntry) -> Tuple[Button, ...]:
    """Return what may be done about the version that *entry* of the history says is good on its ring."""
    ring, version = entry["ring"], entry.get("to") or ""
    if entry["what"] not in ("confirm", "degrade") or not version:
        return ()
    found, lifecycle = [], project.lifecycle
    for follower in lifecycle.followers(ring)[:1]:
        if project.approval_of(follower).count:
            found += [Button("approve", version, ring), Button("reject", version, ring)]
        if lifecycle.stage(follower).promote != AUTO:
            found.append(Button("promote", version, follower))
    return (*found, Button("rollback", version, ring))
