"""Step 9: let the project's own build make what is packaged, or take what CI archived."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci.artifacts import Archived
from cicd.config import Settings
from cicd.package import archived_tree, project_build
from cicd.package import tree as trees
from cicd.package.build import Described
from cicd.package.tree import ARTIFACT
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
        known, there, note = settings.project(project), Host(**host), ""
        if trees.parse(described["tree"]).source == ARTIFACT:
            passed = Archived(settings, known, commit)
            given = passed.artifacts, passed.download
            tree = archived_tree.build_tree(settings, there, run, known, commit, described, *given)
        else:
            tree, note = project_build.build_tree(settings, there, run, known, commit, described)
        maker = tree.artifact or described["metadata"]["build"]
        said = f"{maker} made the tree {tree.digest[:12]} on {host['name']}"
        return {"tree": tree.as_json(), "note": note, "message": said}
