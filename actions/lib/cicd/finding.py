"""One thing that a checkup found."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, WARNING, WRONG, SKIPPED = "good", "warning", "wrong", "skipped"


@dataclass(frozen=True)
class Finding:
    """What was looked at, its state, what was seen, and how to correct it."""

    what: str
    state: str
    said: str
    fix: str = ""

    @property
    def line(self) -> str:
        """The finding as a line to read."""
        mark = self.state.upper() if self.state == WRONG else self.state
        said = self.said.rstrip(".")
        return f"{mark:<8} {self.what}: {said}" + (f". {self.fix}" if self.fix else "")
