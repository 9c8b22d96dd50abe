"""How many machines the pack may have at once. Pure."""

from __future__ import annotations

from typing import Mapping

from cicd.errors import Refused
from cicd.machine_providers import MachinesSettings
from cicd.release.lifecycle import CANARY


def refuse_too_many(limits: MachinesSettings, present: Mapping[str, str], name: str, ring: str) -> None:
    """
    Raise Refused when there may not be a machine *name* in *ring* beside those that are *present*.

    *present* is the ring of each machine by its name, gone ones left out. One that is there may stay.
    """
    if name in present:
        return
    if len(present) >= limits.max_machines:
        raise _full(name, len(present), "machines", "max_machines", limits.max_machines)
    canaries = list(present.values()).count(CANARY)
    if ring == CANARY and canaries >= limits.max_canaries:
        raise _full(name, canaries, "canaries", "max_canaries", limits.max_canaries)


def _full(name: str, count: int, what: str, key: str, limit: int) -> Refused:
    return Refused(
        f"{name} was not made: there are {count} {what}, and at most {limit} may be.",
        f"Retire one with cicd.retire_host, or raise `machines.{key}` in the pack's configuration.",
    )
