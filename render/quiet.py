"""Many changes within a moment are one: a text is taken once nothing changes any more. Pure."""

from __future__ import annotations

LONGEST = 10  # times the quiet time: what changes all the time is taken nevertheless


class Quiet:
    """The text that waits, and since when."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._first = self._last = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether a text waits."""
        return self._text is not None

    def is_over(self, text: str, now: float, seconds: float) -> bool:
        """Whether *text* may be taken *now*: it is the same for *seconds*, or has waited too long."""
        if self._text is None:
            self._first = now
        if self._text != text:
            self._text, self._last = text, now
        return now - self._last >= seconds or now - self._first >= LONGEST * seconds

    def end(self) -> None:
        """Wait for nothing."""
        self._text = None
