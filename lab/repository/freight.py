"""Freight as the publisher."""

from __future__ import annotations

from lab.hosts.container import Container
from lab.world import DISTRIBUTION

CONFIGURATION = """VARLIB="/srv/apt/freight/lib"
VARCACHE="/srv/apt/freight/public"
ARCHS="amd64"
ORIGIN="CICD lab"
LABEL="CICD lab"
NOT_AUTOMATIC="yes"
GPG="{key}"
CACHE="off"
"""


class Freight:
    """Publishes with Freight, which has no lock of its own: its callers hold one."""

    name = "freight"
    config_file = "/etc/cicd/freight.conf"
    public = "/srv/apt/freight/public"

    def __init__(self, key: str) -> None:
        self._key = key

    def configure(self, container: Container) -> None:
        """Write freight.conf and the folders it works in."""
        container.disk.write(self.config_file, CONFIGURATION.format(key=self._key))
        for folder in ("srv/apt", "srv/apt/freight", "srv/apt/freight/lib", "srv/apt/freight/lib/apt"):
            container.disk.folder(folder, owner="cicd")
        container.disk.folder(f"srv/apt/freight/lib/apt/{DISTRIBUTION}", owner="cicd")
        container.disk.folder("srv/apt/freight/public", owner="cicd")

    def publish_first(self, container: Container, package: str) -> None:
        """Publish the distribution with *package*: without any, apt refuses what Freight writes."""
        place = f"apt/{DISTRIBUTION}"
        container.run("freight", "add", "-e", "-c", self.config_file, package, place, user="cicd")
        container.run("freight", "cache", "-c", self.config_file, f"apt/{DISTRIBUTION}", user="cicd")
