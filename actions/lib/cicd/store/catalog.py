"""The hosts that one Consul datacentre knows, healthy or not."""

from __future__ import annotations

from typing import Dict, Tuple

from cicd.clients.consul import Connection
from cicd.config import Project, Settings
from cicd.release import host
from cicd.release.host import ConsulHost

AGENT_SERVICE = "cicd-converge"  # its checks, one a project, are named cicd-converge:<project>


class Catalog(Connection):
    """The hosts that *datacenter* knows; an empty one is that with the record."""

    def __init__(self, settings: Settings, datacenter: str = "") -> None:
        super().__init__(settings, datacenter)
        self._of = datacenter

    def health(self, project: Project) -> list[ConsulHost]:
        """Return every app host of *project* that Consul knows, healthy or not."""
        is_by_tag = "" in self._settings.tags(project).values()
        return self._hosts(
            self._settings.service_name(project), self._settings.tag(project) if is_by_tag else ""
        )

    def signs(self) -> Dict[Tuple[str, str], bool]:
        """Return whether the check by which a host shows that it converges a project passes, by both."""
        checks = self.ask(lambda c: c.health.checks(AGENT_SERVICE)[1])
        return {(one["Node"], one["CheckID"].partition(":")[2]): one["Status"] == "passing" for one in checks}

    def healthy(self, service: str, tag: str) -> list[ConsulHost]:
        """Return the hosts of *service* with *tag* whose every check passes."""
        return self._hosts(service, tag, passing=True)

    def _hosts(self, service: str, tag: str, passing: bool = False) -> list[ConsulHost]:
        entries = self.ask(lambda c: c.health.service(service, tag=tag or None, passing=passing)[1])
        return [host.from_consul(entry, self._of) for entry in entries]
