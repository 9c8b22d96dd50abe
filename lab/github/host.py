"""GitHub's API on infra1: its unit and its settings."""

from __future__ import annotations

import json

from lab.hosts.container import Container
from lab.places import Places
from lab.stand_in.unit import unit
from lab.world import World

FOLDER = "/srv/git"
SETTINGS = "/etc/cicd/github.json"


def configure(container: Container, places: Places, world: World) -> None:
    """Let the host answer as GitHub's API for every repository that it serves."""
    secret = (places.secrets / "github_api_token").read_text()
    container.disk.write("etc/cicd/github_api_token", secret, mode=0o600, owner="git")
    container.disk.write(SETTINGS.lstrip("/"), json.dumps(settings(world), indent=2))
    container.disk.unit("github.service", unit("lab.github", "GitHub's API", "git", FOLDER, SETTINGS))


def settings(world: World) -> dict[str, object]:
    """Return the stand-in's settings."""
    return {
        "host": world.infra.address,
        "port": 8082,
        "token_file": "/etc/cicd/github_api_token",
        "repositories": FOLDER,
        "record": f"{FOLDER}/github.json",
        "actions": f"{FOLDER}/actions",
        "act": "/usr/local/bin/act",
    }
