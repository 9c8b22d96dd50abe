"""Step 10: build the package with FPM or nfpm."""

from __future__ import annotations

from typing import Any

from cicd import build
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.ring import Host


class BuildPackage(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        run: str,
        host: dict[str, str],
        described: dict[str, Any],
    ) -> dict[str, Any]:
        built = build.build_package(settings, Host(**host), run, settings.project(project), commit, described)
        said = f"{built['package']} {built['version']}: {built['bytes']} bytes by {built['driver']}"
        errors = len(built["lintian"])
        said += f", lintian names {errors} errors" if errors else ""
        return {**built, "message": f"{said}; on {host['name']}"}
