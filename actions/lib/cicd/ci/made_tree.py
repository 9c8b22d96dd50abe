"""The tree of a commit's package on a build host: made by the project's own build, or archived by CI."""

from __future__ import annotations

from cicd.ci.artifacts import Archived
from cicd.config import Project, Settings
from cicd.package import archived_tree, project_build
from cicd.package import tree as trees
from cicd.package.build import Described
from cicd.package.tree import ARTIFACT, REPOSITORY, Tree
from cicd.release.host import Host


def make(
    settings: Settings, host: Host, run: str, project: Project, commit: str, described: Described
) -> tuple[Tree, str]:
    """Let *host* have the tree of *described*, and return it, and what its build said beside."""
    source = trees.parse(described["tree"]).source
    if source == REPOSITORY:
        return Tree(), ""
    if source == ARTIFACT:
        passed = Archived(settings, project, commit)
        given = passed.artifacts, passed.download
        return archived_tree.build_tree(settings, host, run, project, commit, described, *given), ""
    return project_build.build_tree(settings, host, run, project, commit, described)
