"""What goes past the proxy that the environment may name: everything on the lab's own addresses."""

from __future__ import annotations

import os

from lab.world import World

NAMES = ("no_proxy", "NO_PROXY")  # curl and Python read the one, some programs only the other


def bypass(world: World) -> None:
    """Let this process, and all that it starts, reach the lab directly."""
    os.environ.update(dict.fromkeys(NAMES, ",".join([*_given(), *exceptions(world)])))


def exceptions(world: World) -> list[str]:
    """Return the lab's addresses one by one: not every client understands networks."""
    return ["localhost", "127.0.0.1", world.control, *(host.address for host in world.hosts)]


def _given() -> list[str]:
    text = next((os.environ[name] for name in NAMES if os.environ.get(name)), "")
    return [text] if text else []
