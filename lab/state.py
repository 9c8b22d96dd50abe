"""How a lab is: down, up, or half dead."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lab import cgroups, ports, processes
from lab.places import Places
from lab.world import CONSUL_PORT, SSH_PORT


@dataclass(frozen=True)
class State:
    """What of a lab runs: `parts` by name, with their address and whether they answer."""

    running: bool  # any process at all
    finished: bool  # `up` came to its end
    parts: dict[str, tuple[str, bool]] = field(default_factory=dict)
    off: tuple[str, ...] = ()  # hosts that were switched off on purpose

    @property
    def healthy(self) -> bool:
        """Whether everything answers that is not switched off."""
        return self.finished and all(answers for _, answers in self.parts.values())


def read(places: Places) -> State:
    """Look at the lab."""
    running = bool(processes.marked(places) or cgroups.members(places))
    if not places.world_file.exists():
        return State(running, finished=False)
    described = json.loads(places.world_file.read_text())
    off = tuple(host["name"] for host in described["hosts"] if is_off(places, host["name"]))
    parts = {
        name: (f"{address}:{port}", ports.answers(address, port))
        for name, (address, port) in _listeners(described).items()
        if name not in off
    }
    return State(running, finished=True, parts=parts, off=off)


def is_off(places: Places, name: str) -> bool:
    """Whether host *name* was switched off on purpose."""
    return (places.hosts / name / "off").exists()


def _listeners(described: dict[str, Any]) -> dict[str, tuple[str, int]]:
    network = described["network"]
    infra = next(host["address"] for host in described["hosts"] if host["role"] == "infra")
    parts = {host["name"]: (host["address"], SSH_PORT) for host in described["hosts"]}
    parts |= {
        "consul": (infra, CONSUL_PORT),
        "haproxy": (infra, 8000),
        "jenkins": (infra, 8080),
        "apt": (infra, 8081),
    }
    if described["stackstorm"]["engine"] == "st2local":
        parts["st2local"] = (f"{network}.1", 9101)
    return {**parts, "gateway": (f"{network}.1", 9110), "status": (f"{network}.1", 9120)}
