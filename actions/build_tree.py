"""Step 9: let the project's own build make what is packaged, or take what CI archived."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci import made_tree
from cicd.config import Settings
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
        where = (settings, Host(**host), run, settings.project(project), commit)
        tree, note = made_tree.make(*where, described)
        maker = tree.artifact or described["metadata"]["build"]
        said = f"{maker} made the tree {tree.digest[:12]} on {host['name']}"
        return {"tree": tree.as_json(), "note": note, "message": said}
