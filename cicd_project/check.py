"""What the pack would make of a folder: the contract, what the package would contain, the package itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Tuple

from cicd import identifiers
from cicd.config import Project
from cicd.package import answers, contract
from cicd.package.builder_input import Origin
from cicd.package.contract import Contract
from cicd.package.packaging import Run
from cicd_project import own_build, snapshot, staged
from cicd_project.machine import ThisMachine
from cicd_project.snapshot import Snapshot
from cicd_project.staged import Entry

RUN = "check"
SECONDS = 3600


@dataclass(frozen=True)
class Checked:
    """
    The package that a commit of the folder would become.

    *entries* are None when only the project's own build knows them, *package* is where it was put, and
    *lintian* has the errors that Lintian names, where it is installed.
    """

    name: str
    version: str
    is_changed: bool
    entries: list[Entry] | None = None
    package: Path | None = None
    lintian: Tuple[str, ...] = ()


def check(project: Project, folder: Path, home: Path, goal: Path | None) -> Checked:
    """
    Return what *folder* would become as *project*; with a *goal*, a folder, put its package there.

    ProjectError has every problem of the contract. *home* is an empty folder for what is made meanwhile.
    """
    taken = snapshot.take(folder, home / "repository.git")
    project = replace(project, directory=taken.directory)
    machine = ThisMachine(home)
    run = Run(machine, RUN, SECONDS)
    run.fetch(project, taken.commit, str(taken.url), SECONDS)
    found = contract.read(machine, RUN, project, taken.commit, SECONDS)
    checked = Checked(found.metadata.name, found.version, taken.is_changed)
    if found.metadata.build and goal is None:
        return checked
    digest = (
        own_build.run(machine, RUN, project, taken.commit, found, SECONDS) if found.metadata.build else ""
    )
    origin = _origin(project, taken, found)
    run.package(found.metadata, found.version, origin, "none", digest=digest)
    checked = replace(checked, entries=staged.entries(home / "builds" / RUN))
    if goal is None:
        return checked
    said = run.package(found.metadata, found.version, origin, "nfpm", lintian="report", digest=digest)
    errors = answers.text(said.get("lintian", "")).splitlines()
    return replace(checked, package=Path(shutil.copy(said["file"], goal)), lintian=tuple(errors))


def _origin(project: Project, taken: Snapshot, found: Contract) -> Origin:
    trace = identifiers.trace_tag(project.repository, taken.commit)
    return Origin(project.repository, taken.commit, trace, found.time, project.name, project.directory)
