"""Why a commit may be packaged. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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

    def as_json(self) -> dict[str, Any]:
        """Return the clearance as records and provenance have it."""
        if self.passed:
            return {"passed": True, "build": self.build}
        return {key: value for key, value in {**asdict(self), "passed": False}.items() if key != "build"}
