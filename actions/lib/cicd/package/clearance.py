"""Why a commit may be packaged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class StoredClearance(TypedDict, total=False):
    """A clearance as records and provenance have it: the `build` that passed, or who let the commit past."""

    passed: bool
    build: int
    who: str
    role: str
    why: str
    when: float


@dataclass(frozen=True)
class Clearance:
    """
    Why a commit may be packaged.

    CI passed it as its *build*; or *who*, in *role*, broke the glass for it at *when* (epoch
    seconds), and said *why*.
    """

    build: int = 0
    who: str = ""
    role: str = ""
    why: str = ""
    when: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether CI passed the commit."""
        return not self.role

    def as_json(self) -> StoredClearance:
        """Return the clearance as records and provenance have it."""
        if self.passed:
            return {"passed": True, "build": self.build}
        return {**self.let_past(), "passed": False}

    def let_past(self) -> StoredClearance:
        """Return who let the commit past CI, as plain data."""
        return {"who": self.who, "role": self.role, "why": self.why, "when": self.when}
