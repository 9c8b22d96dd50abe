"""GitHub's API on infra1: its unit and its settings."""

from __future__ import annotations

import json

from lab.git.server import LIBRARY
from lab.hosts.container import Container
from lab.places import Places
from lab.world import World

FOLDER = "/srv/git"
UNIT = f"""[Unit]
Description=The lab's stand-in for GitHub's API
After=network.target

[Service]
User=git
Environment=PYTHONPATH={LIBRARY}
WorkingDirectory={FOLDER}
ExecStart=/usr/bin/python3 -m lab.github /etc/cicd/github.json
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def configure(container: Container, places: Places, world: World) -> None:
    """Let the host answer as GitHub's API for every repository that it serves."""
    secret = (places.secrets / "github_api_token").read_text()
    container.disk.write("etc/cicd/github_api_token", secret, mode=0o600, owner="git")
    container.disk.write("etc/cicd/github.json", json.dumps(settings(world), indent=2))
    container.disk.unit("github.service", UNIT)


def settings(world: World) -> dict[str, object]:
    """Return the stand-in's settings."""
    return {
        "host": world.infra.address,
        "port": 8082,
        "token_file": "/etc/cicd/github_api_token",
        "repositories": FOLDER,
        "record": f"{FOLDER}/github.json",
    }
