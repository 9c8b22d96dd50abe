"""The project's contract as a machine shows it on which the commit of a run is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Sequence

from cicd import identifiers
from cicd.config import Project
from cicd.errors import ProjectError
from cicd.package import answers, metadata
from cicd.package.metadata import Metadata
from cicd.release.version import package_version


class Machine(Protocol):
    """Where the scripts in `clients/remote` run: a build host, or the machine of a developer."""

    def script(self, name: str, arguments: Sequence[str], timeout: int) -> str:
        """Run the script *name* for at most *timeout* seconds and return what it prints."""

    def put(self, content: str, path: str) -> None:
        """Write *content* to *path* in the home folder."""


@dataclass(frozen=True)
class Contract:
    """What the package of a commit will be; *time* is the commit's, in epoch seconds."""

    metadata: Metadata
    version: str
    time: int


def read(machine: Machine, run: str, project: Project, commit: str, seconds: int) -> Contract:
    """
    Return the contract of *project* at *commit*, which *run* has fetched to *machine*.

    Raises ProjectError with every problem found when it is broken. Each question may take *seconds*.
    """
    said = answers.pairs(machine.script("read_metadata", [identifiers.check("run", run)], seconds))
    _refuse_folder(project, commit, said["folder"])
    text = answers.fpm_json(said.get("fpm_json"))
    paths = metadata.paths(text, project.name)
    states = answers.pairs(machine.script("read_states", [run, *paths], seconds))
    meta = metadata.read(project.name, commit, text, {**states, **said}, project.allowed)
    return Contract(meta, package_version(meta.version, int(said["commits"]), commit), int(said["time"]))


def _refuse_folder(project: Project, commit: str, state: str) -> None:
    if state != "present":
        raise ProjectError(
            f"{project.directory}, the folder of {project.name}, is {state} "
            f"at {commit[:7]} of {project.repository}.",
            f"Push it, or correct `projects.{project.name}.directory` in the configuration.",
        )
