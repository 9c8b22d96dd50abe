"""Step 11: put the package into the signed APT repository, and see it there as a client."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.build import find_host
from cicd.config import Settings
from cicd.consul import Store
from cicd.publish import publish
from cicd.ring import Host


class PublishPackage(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        version: str,
        sha256: str,
        package: str,
        file: str,
        host: dict[str, str],
    ) -> dict[str, Any]:
        section = settings.repository
        target = find_host(Store(settings), str(section["service"]), str(section["tag"]), commit)
        published = publish(settings, Host(**host), target, file, package, version, sha256)
        return {
            **published,
            "version": version,
            "package": package,
            "sha256": sha256,
            "message": f"{package} {version} is published on {target.name} by {published['driver']}",
        }
