"""Machines on their way in or out that nobody sees to, and when providers are asked for others."""

from __future__ import annotations

import time
from typing import List

from cicd.config import Settings
from cicd.provisioning.record import is_lost
from cicd.provisioning.registry import Registry

AGAIN_SECONDS = 60.0  # a sweep that was asked for has begun by then, or died before it could
STRAYS_SECONDS = 600.0  # between two looks for machines that nothing is written down of


def names(settings: Settings) -> List[str]:
    """Return their names; where nobody has machines, Consul is not asked."""
    if not settings.machines.providers:
        return []
    now, limit = time.time(), settings.deploy.lost_after
    return sorted(name for name, one in Registry(settings).every().items() if is_lost(one, now, limit))


class Sweeps:
    """When a sweep was asked for; times are of any clock."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def due(self, settings: Settings, now: float) -> List[str] | None:
        """Return the lost machines when a sweep is due *now*; None when it is not."""
        if not settings.machines.providers or now - self._last < AGAIN_SECONDS:
            return None
        found = names(settings)
        if not found and now - self._last < STRAYS_SECONDS:
            return None
        self._last = now
        return found
