"""Follows Consul: waits for a change, lets it be applied, and reports what is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from follow.errors import FollowError

CALM_SECONDS, TROUBLED_SECONDS = 30, 2  # how long nothing may change before all is compared again
REPORT_SECONDS = 300  # after which what stays is reported again: somebody may have deleted the report


@dataclass(frozen=True)
class Outcome:
    """What is applied now, as the report has it, and a sentence for each thing that is not as wanted."""

    applied: Mapping[str, object]
    troubles: Sequence[str] = ()


class Work(Protocol):
    """What a program does with what it follows."""

    well: str
    """What it says when the last trouble has ended."""

    def wait(self, seconds: float) -> None:
        """Return after a change, or after *seconds*; FollowError while Consul is away."""

    def apply(self) -> Outcome:
        """Bring this host to what Consul wants."""

    def report(self, document: Mapping[str, object]) -> None:
        """Write *document* as this host's report; FollowError when Consul does not take it."""

    def forget(self) -> None:
        """Let the next wait return at once."""


class Follower:
    """What was reported last of a *work*, and which of its troubles were said."""

    def __init__(self, work: Work, version: str, say: Callable[[str], None]) -> None:
        self._work, self._version, self._say = work, version, say
        self._reported: Mapping[str, object] | None = None
        self._reported_at = 0.0
        self._troubles: Sequence[str] = ()

    def run(self) -> None:
        """Follow for ever."""
        while True:
            if not self.step(TROUBLED_SECONDS if self._troubles else CALM_SECONDS):
                time.sleep(TROUBLED_SECONDS)

    def step(self, wait_seconds: float) -> bool:
        """Wait for a change, at most *wait_seconds*, and apply it; False while Consul is away."""
        try:
            self._work.wait(wait_seconds)
            outcome = self._work.apply()
        except FollowError as error:
            self._tell([str(error)])
            return False
        self._tell(outcome.troubles)
        return self._report(outcome)

    def _report(self, outcome: Outcome) -> bool:
        document = {
            "applied": outcome.applied,
            "error": " ".join(outcome.troubles),
            "agent": self._version,
        }
        if document == self._reported and time.monotonic() - self._reported_at < REPORT_SECONDS:
            return True
        try:
            self._work.report({**document, "at": int(time.time())})
        except FollowError as error:
            self._tell([*outcome.troubles, str(error)])
            self._work.forget()
            return False
        self._reported, self._reported_at = document, time.monotonic()
        return True

    def _tell(self, troubles: Sequence[str]) -> None:
        for one in troubles:
            if one not in self._troubles:
                self._say(one)
        if self._troubles and not troubles:
            self._say(self._work.well)
        self._troubles = troubles
