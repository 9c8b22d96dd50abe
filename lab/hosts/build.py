"""Build hosts: how builds of projects reach package registries from them."""

from __future__ import annotations

from pathlib import Path

from lab.hosts.common import AUTHORITIES
from lab.hosts.container import Container

# What tells pip and npm of this machine where their registries are.
REGISTRIES = (Path("/etc/pip.conf"), Path("/etc/npmrc"))
TRUST = ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def registries(container: Container) -> None:
    """Let pip and npm on the host find the registries that this machine finds."""
    for file in REGISTRIES:
        if file.exists():
            container.disk.copy(file, str(file), mode=0o644)


def configure(container: Container) -> None:
    """Let builds find those registries, and trust whom this machine trusts."""
    registries(container)
    trusted = "".join(f"{name}={AUTHORITIES}\n" for name in TRUST)
    container.disk.write("etc/cicd/sandbox.env", trusted)
