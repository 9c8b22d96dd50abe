"""The gateway in front of StackStorm's webhooks: its configuration and its process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from lab import ports, processes
from lab.consul import encryption
from lab.places import REPOSITORY, Places
from lab.stackstorm.engine import Engine
from lab.world import World

PORT = 9110


def start(places: Places, world: World, engine: Engine, key_file: Path) -> None:
    """Start the gateway and return once it answers."""
    path = places.root / "gateway.yaml"
    path.write_text(yaml.safe_dump(configuration(places, world, engine, key_file), sort_keys=False))
    processes.spawn(
        places, "gateway", [sys.executable, "-m", "gateway", "--config", str(path)], cwd=REPOSITORY
    )
    ports.wait(world.control, PORT, "the gateway")


def configuration(places: Places, world: World, engine: Engine, key_file: Path) -> dict[str, Any]:
    """Return gateway.yaml."""
    return {
        "listen": {"host": world.control, "port": PORT},
        "stackstorm": {
            "api_url": engine.api_url,
            "api_key_file": str(key_file),
        },
        "github": {"secret_files": [str(places.secrets / "github_secret")]},
        "jenkins": {"token_file": str(places.secrets / "jenkins_token")},
        "consul": {"url": world.consul_url, "ca_file": str(encryption.authority(places))},
        "spool": str(places.root / "spool.sqlite"),
    }
