"""Follows what Consul wants: keeps it on disk, applies it, and reports what is applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from balancer import shares
from balancer.consul import Consul
from balancer.errors import TrafficError
from balancer.haproxy import HAProxy
from balancer.shares import Share

CALM_SECONDS, TROUBLED_SECONDS = 30, 2  # how long nothing may change before the map is compared again
REPORT_SECONDS = 300  # after which what stays is reported again: somebody may have deleted the report


class Follower:
    """What was seen and reported last."""

    def __init__(self, consul: Consul, haproxy: HAProxy, version: str, say: Callable[[str], None]) -> None:
        self._consul, self._haproxy, self._version, self._say = consul, haproxy, version, say
        self._known: dict[str, Share] = _kept(haproxy)
        self._reported: Mapping[str, object] | None = None
        self._reported_at = 0.0
        self._troubles: list[str] = []

    def run(self) -> None:
        """Follow for ever."""
        while True:
            if not self.step(TROUBLED_SECONDS if self._troubles else CALM_SECONDS):
                time.sleep(TROUBLED_SECONDS)

    def step(self, wait_seconds: int) -> bool:
        """Wait for a change, at most *wait_seconds*, and apply it; False while Consul is away."""
        try:
            self._known, odd = self._merged(self._consul.wanted(wait_seconds))
        except TrafficError as error:
            self._tell([str(error)])
            return False
        failed = self._apply()
        applied = {} if failed else {name: one for name, one in self._known.items() if name not in odd}
        troubles = [f"What Consul wants of {name:.60} is unreadable; its share stays." for name in odd]
        self._tell([*troubles, *failed])
        return self._report(applied, [*troubles, *failed])

    def _merged(self, values: Mapping[str, str]) -> tuple[dict[str, Share], list[str]]:
        """What is unreadable stays as it was."""
        found, odd = shares.parse(values)
        return {**{name: self._known[name] for name in odd if name in self._known}, **found}, odd

    def _apply(self) -> list[str]:
        """
        Return why the shares that are wanted are not those of HAProxy; nothing when they are.

        The process that runs gets them also where the file cannot be kept: a share may have to end now.
        """
        wanted, troubles = shares.entries(self._known), []
        for bring in (self._haproxy.keep, self._haproxy.apply):
            try:
                bring(wanted)
            except TrafficError as error:
                troubles.append(str(error))
        return troubles

    def _report(self, applied: shares.Shares, troubles: list[str]) -> bool:
        said = {
            "applied": {name: asdict(one) for name, one in applied.items()},
            "error": " ".join(troubles),
            "agent": self._version,
        }
        if said == self._reported and time.monotonic() - self._reported_at < REPORT_SECONDS:
            return True
        try:
            self._consul.report({**said, "at": int(time.time())})
        except TrafficError as error:
            self._tell([*troubles, str(error)])
            self._consul.forget()
            return False
        self._reported, self._reported_at = said, time.monotonic()
        return True

    def _tell(self, troubles: list[str]) -> None:
        for one in troubles:
            if one not in self._troubles:
                self._say(one)
        if self._troubles and not troubles:
            self._say("HAProxy has the shares that are wanted.")
        self._troubles = troubles


def _kept(haproxy: HAProxy) -> dict[str, Share]:
    """What the last process left on disk; its generations are in no file."""
    kept = haproxy.kept().items()
    return {name: Share(int(value), 0) for name, value in kept if value.isdecimal()}
