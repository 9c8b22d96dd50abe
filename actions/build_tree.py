"""Step 9: let the project's own build make what is packaged."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.config import Settings
from cicd.package import project_build
from cicd.package.build import Described
from cicd.release.host import Host


class BuildTree(RunStep):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        run: str,
        host: dict[str, str],
        described: Described,
    ) -> dict[str, Any]:
        known = settings.project(project)
        tree, note = project_build.build_tree(settings, Host(**host), run, known, commit, described)
        said = f"{described['metadata']['build']} made the tree {tree.digest[:12]} on {host['name']}"
        return {"tree": tree.as_json(), "note": note, "message": said}
