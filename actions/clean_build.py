"""Step 12: remove what a run left on the build host."""

from __future__ import annotations

from typing import Any

from cicd.action import TimedStep
from cicd.config import Settings
from cicd.package import build
from cicd.package.build_hosts import Builders
from cicd.release.host import Host


class CleanBuild(TimedStep):
    def act(
        self, settings: Settings, project: str, run: str, host: dict[str, str], commit: str
    ) -> dict[str, Any]:
        Builders(settings).give_back(run, host["name"])
        build.clean(settings, Host(**host), run)
        return {"message": f"{host['name']} keeps nothing of {project}'s build"}
