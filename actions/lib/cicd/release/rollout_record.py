"""The record of one rollout, `cicd/<project>/rollouts/<generation>`, as Consul keeps it. Pure."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, TypedDict

from cicd.release.record import Release
from cicd.release.stored import StoredStop

RUNNING = "running"  # while it is under way
CANCELLED = "cancelled"  # after somebody ended it
ENDED = "ended"
WAS_CANCELLED, GAVE_NO_SIGN = "it was cancelled.", "it gave no sign of life for"
DIED = (WAS_CANCELLED, GAVE_NO_SIGN)  # how the reason of a deploy begins that nobody drove any more
SILENT_SECONDS = 30  # without a sign of life after which a rollout counts as dead


class HostOutcome(TypedDict, total=False):
    """
    What one host reported in a rollout, as far as it is kept; `seconds_total` is by the pack's clock.

    It was `ended` (epoch seconds), by the same clock; a record of before does not say so.
    """

    state: str
    code: str
    message: str
    installed: str
    seconds: Mapping[str, float]
    seconds_total: float
    log: str
    ended: float


class RolloutRecord(TypedDict, total=False):
    """
    How a rollout goes: `at` (epoch seconds) is its last sign of life, `stop` why a step of its deploy failed.

    It is in its `batch`th batch, `untouched` hosts come after that one, `hosts` reported.
    """

    ring: str
    generation: int
    state: str
    batch: int
    untouched: int
    hosts: Dict[str, HostOutcome]
    at: float
    stop: Optional[StoredStop]


def rollout_key(project: str, generation: int) -> str:
    """Return where the rollout of *generation* is recorded."""
    return f"cicd/{project}/rollouts/{generation:08d}"


def rollout_keys(release: Release) -> list[str]:
    """Return where the rollouts of the rings' present generations are recorded."""
    return [rollout_key(release.project, release.ring(name).generation) for name in release.lifecycle.names]


def quiet_seconds(rollout: RolloutRecord, since: float, now: float) -> float:
    """Return for how long the recorded *rollout* gave no sign of life; it has had one at *since*."""
    return now - max(since, float(rollout.get("at", 0)))


def just_ended(rollout: RolloutRecord, now: float, seconds: float) -> list[str]:
    """Return the hosts that were updated in *rollout* less than *seconds* ago."""
    hosts = rollout.get("hosts") or {}
    return [name for name, one in hosts.items() if 0 <= now - float(one.get("ended", 0)) < seconds]
