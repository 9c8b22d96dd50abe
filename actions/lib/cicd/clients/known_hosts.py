"""Which host keys SSH believes: those of the configuration's file, and those of machines that joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

from cicd.clients import connection
from cicd.config import Settings

MACHINES = "cicd/.machines/"
SSH_PORT = 22


def text(settings: Settings) -> str:
    """Return all of them, as the file has them."""
    file = Path(connection.readable(settings, "known_hosts_file")).read_text(encoding="utf-8")
    return "".join([file.rstrip("\n"), "\n", *(f"{line}\n" for line in joined(settings))])


def joined(settings: Settings) -> Iterator[str]:
    """Yield a line for each key of the machines that the pack made; where it makes none, nobody is asked."""
    if not settings.machines.providers:
        return
    from cicd.clients.consul import Connection  # few need it

    for item in Connection(settings).items(MACHINES):
        known = json.loads(item["Value"])
        for key in known.get("host_keys", []):
            yield f"{_named(known['address'], settings.ssh.port)} {key}"


def _named(address: str, port: int) -> str:
    return address if port == SSH_PORT else f"[{address}]:{port}"
