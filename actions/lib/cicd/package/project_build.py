"""The project's own build of one commit, in the sandbox of a build host."""

from __future__ import annotations

from typing import Mapping

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import ProjectError
from cicd.package import answers, build
from cicd.package import tree as trees
from cicd.package.build import Described
from cicd.package.metadata import Metadata
from cicd.package.tree import BUILD, Tree
from cicd.release.host import Host
from cicd.sanitize import one_line


def build_tree(
    settings: Settings, host: Host, run: str, project: Project, commit: str, described: Described
) -> tuple[Tree, str]:
    """
    Let the project's own build make the tree of *run*, and return it, and what the build said beside.

    *described* is the result of read_metadata. ProjectError names what no package may have.
    """
    meta, section = build.metadata_of(described["metadata"]), settings.package
    arguments = [identifiers.check("run", run), project.name, str(section.build_disk), meta.build]
    arguments += [project.directory, f"prefix={meta.prefix}", f"network={section.build_network}"]
    arguments += [f"memory={section.build_memory}", f"cpu={section.build_cpu}"]
    arguments += [f"seconds={section.build_seconds}", f"epoch={described['time']}"]
    arguments += [f"version={described['version']}", f"commit={commit}"]
    arguments += [f"architecture={meta.architecture}"] if meta.architectures else []
    with Shell(settings, host) as shell:
        said = answers.pairs(shell.script("build_tree", arguments, section.timeout + section.build_seconds))
    digest = taken(said, meta, project, commit, meta.build)
    return Tree(BUILD, digest, section.build_network), one_line(answers.text(said["note"]), 800)


def taken(said: Mapping[str, str], meta: Metadata, project: Project, commit: str, maker: str) -> str:
    """Return the digest of the tree that a host *said* it has; ProjectError when its links lead astray."""
    links = answers.text(said["links"]).split("\0")
    pairs = zip(links[::2], links[1::2])
    stray = sorted(trees.stray_links(pairs, project.name, meta.prefix, project.allowed))
    if not stray:
        return said["digest"]
    raise ProjectError(
        f"{maker} of {project.name} at {commit[:7]} made links to what is not the project's: "
        f"{one_line(', '.join(stray[:5]), 400)}.",
        f"Copy what they lead to, or allow it by `projects.{project.name}.allowed.paths`.",
    )
