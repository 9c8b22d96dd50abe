"""The status page: its configuration and its process."""

from __future__ import annotations

import sys

import yaml

from lab import ports, processes
from lab.places import REPOSITORY, Places
from lab.world import World

PORT = 9120


def start(places: Places, world: World) -> None:
    """Start the page and return once it answers."""
    path = places.root / "status.yaml"
    made = {"listen": {"host": world.control, "port": PORT}, "pack": str(places.configs / "cicd.yaml")}
    path.write_text(yaml.safe_dump(made, sort_keys=False))
    argv = [sys.executable, "-m", "status", "--config", str(path)]
    processes.spawn(places, "status", argv, cwd=REPOSITORY)
    ports.wait(world.control, PORT, "the status page")
