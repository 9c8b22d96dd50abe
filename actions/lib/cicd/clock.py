"""Moments that other processes wrote down, by a clock that may have been set back since."""

from __future__ import annotations

import time

SKEW_SECONDS = 60.0  # by which the clocks of two workers may differ


class Sightings:
    """Since when this process knows each moment, by a clock that nobody sets."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def bound(self, name: str, moment: float) -> float:
        """
        Return the *moment* (epoch seconds) of *name*, or when this process first saw it if that was earlier.

        So a moment that is still to come counts as now, once, and what waits for it grows old.
        """
        now = time.monotonic()
        known, since = self._seen.get(name, (moment, now))
        since = since if known == moment else now
        self._seen[name] = (moment, since)
        return min(moment, time.time() - (now - since))


def is_ahead(until: float, now: float, longest: float) -> bool:
    """
    Whether a wait *until* then goes on *now*.

    What is longer than the *longest* may be was written before the clock was set back; the clock of another
    worker may be a bit ahead.
    """
    return 0 < until - now <= longest + SKEW_SECONDS
