"""Step 10: build the packages for each further architecture, on a build host that carries its tag."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci.architecture_builds import ArchitectureBuilds
from cicd.ci.host_build import HostBuild
from cicd.config import Settings
from cicd.package.build import Described
from cicd.release.host import Host


class BuildArchitectures(RunStep):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        run: str,
        host: dict[str, str],
        described: Described,
    ) -> dict[str, Any]:
        own = HostBuild(settings, settings.project(project), commit, run, described)
        found = ArchitectureBuilds(own, Host(**host)).make()
        made = ", ".join(f"for {one['architecture']} on {one['host']}" for one in found["builders"])
        said = (
            f"{project} {described['version']} is built {made}"
            if made
            else f"{project} needs no other architecture"
        )
        return {**found, "message": said}
