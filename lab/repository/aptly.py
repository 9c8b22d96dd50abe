"""aptly as the publisher."""

from __future__ import annotations

import json

from lab.hosts.container import Container
from lab.world import COMPONENT, DISTRIBUTION

NAME = "cicd"


class Aptly:
    """Publishes with aptly; its indexes are also fetched by hash, so clients never see half an update."""

    name = "aptly"
    config_file = "/etc/cicd/aptly.conf"
    public = "/srv/apt/aptly/public"

    def __init__(self, key: str) -> None:
        self._key = key

    def configure(self, container: Container) -> None:
        """Write aptly.conf and the folder it works in."""
        settings = {"rootDir": "/srv/apt/aptly", "architectures": ["amd64"], "gpgProvider": "gpg"}
        container.disk.write(self.config_file, json.dumps(settings, indent=2))
        container.disk.folder("srv/apt", owner="cicd")

    def publish_first(self, container: Container, package: str) -> None:
        """Create the repository and publish it with *package*."""
        aptly = ["aptly", f"-config={self.config_file}"]
        where = [f"-distribution={DISTRIBUTION}", f"-component={COMPONENT}"]
        container.run(*aptly, "repo", "create", *where, NAME, user="cicd")
        container.run(*aptly, "repo", "add", NAME, package, user="cicd")
        options = ["-batch", "-acquire-by-hash", "-notautomatic=yes"]
        options += ["-architectures=amd64", f"-gpg-key={self._key}"]
        container.run(*aptly, "publish", "repo", *options, NAME, user="cicd")
