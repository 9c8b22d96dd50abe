"""nginx, which serves the repository, and the hosts that fetch from it."""

from __future__ import annotations

from lab.hosts.container import Container
from lab.world import COMPONENT, DISTRIBUTION, World

SITE = """server {{
    listen {address}:8081;
    root {public};
    autoindex on;
}}
"""
KEYRING = "/usr/share/keyrings/cicd.asc"


def configure(container: Container, world: World, public: str) -> None:
    """Let the host serve the folder *public*."""
    site = SITE.format(address=world.infra.address, public=public)
    container.disk.write("etc/nginx/sites-enabled/apt", site)
    container.disk.enable("nginx.service")


def source(world: World) -> str:
    """Return the line of sources.list with which a host trusts this repository, and no other."""
    return f"deb [signed-by={KEYRING}] {world.repository_url} {DISTRIBUTION} {COMPONENT}\n"


def trust(container: Container, key: str) -> None:
    """Give the running host the repository's public *key*, armored."""
    container.run("sh", "-c", f"cat >{KEYRING}", stdin=key)
