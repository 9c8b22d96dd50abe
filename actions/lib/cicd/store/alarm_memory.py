"""The alarms that fire, as Consul has them, and the proof that they are so still when a change is written."""

from __future__ import annotations

import json
import time
from typing import Any, Container, List

from cicd.clients.consul import Connection, Operation, unchanged
from cicd.errors import Refused
from cicd.release import firing
from cicd.release.firing import Alarms
from cicd.release.record import Release


class AlarmMemory:
    """Which alarms of *project* fire, as the connection's Consul remembers them."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection, self._key = connection, firing.key(project)
        self._index = 0

    def look(self, canaries: Container[str]) -> Alarms:
        """Return what fires now, with *canaries* as canary hosts; Refused when it cannot be read."""
        item = self._connection.item(self._key)
        self._index = int(item["ModifyIndex"]) if item else 0
        try:
            memory: dict[str, Any] = json.loads(item["Value"]) if item else {}
            return firing.alarms(memory, time.time(), canaries)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refused(
                f"Whether an alarm fires cannot be told: the key {self._key} in Consul is unreadable.",
                f"See what fires in the monitoring system, then: consul kv delete {self._key}",
            ) from None

    def unchanged(self, _: Release) -> List[Operation]:
        """Return what lets a write fail when an alarm came or went after the last look."""
        return [unchanged(self._key, self._index)]
