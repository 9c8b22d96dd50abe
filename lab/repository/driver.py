"""What publishes the repository: one interface, two drivers."""

from __future__ import annotations

from typing import Protocol

from lab.errors import LabError
from lab.hosts.container import Container
from lab.repository.aptly import Aptly
from lab.repository.freight import Freight

KEY_ID = "packages@lab.invalid"


class Driver(Protocol):
    """A publisher on the repository host, run there as user cicd."""

    name: str
    config_file: str
    public: str  # the folder that is served over HTTP

    def configure(self, container: Container) -> None:
        """Write the driver's files on the disk of a host that is off."""

    def publish_first(self, container: Container, package: str) -> None:
        """Publish a signed repository with *package*, a file on the running host, as its only one."""


def driver(name: str) -> Driver:
    """Return the driver called *name*."""
    if name == "aptly":
        return Aptly(KEY_ID)
    if name == "freight":
        return Freight(KEY_ID)
    raise LabError(f"No driver is called {name}.", "There are aptly and freight.")


def make_key(container: Container) -> str:
    """Make the signing key, without passphrase, on the running host; return the public key, armored."""
    generate = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key"]
    container.run(*generate, f"CICD lab packages <{KEY_ID}>", "rsa3072", "sign", "1y", user="cicd")
    return container.run("gpg", "--batch", "--armor", "--export", KEY_ID, user="cicd")
