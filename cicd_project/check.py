"""What the pack would make of a folder: the contract, what the package would contain, the package itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import List, Tuple

from cicd import identifiers
from cicd.config import Project
from cicd.errors import HostError
from cicd.package import answers, contract
from cicd.package.builder_input import Origin
from cicd.package.contract import Contract
from cicd.package.metadata import ALL, Metadata
from cicd.package.packaging import Run
from cicd_project import own_build, snapshot, staged
from cicd_project.machine import ThisMachine, architecture
from cicd_project.snapshot import Snapshot
from cicd_project.staged import Entry

RUN = "check"
SECONDS = 3600


@dataclass(frozen=True)
class Made:
    """
    One package, *name*.

    *entries* are None when only the project's own build knows them, *package* is where it was put, and
    *lintian* what Lintian calls an error in it. The pack builds it for each of *architectures*, or once.
    """

    name: str
    entries: List[Entry] | None = None
    package: Path | None = None
    lintian: Tuple[str, ...] = ()
    architectures: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """The release that a commit of the folder would become; *is_changed* when that is not committed yet."""

    version: str
    is_changed: bool
    packages: Tuple[Made, ...]


def check(project: Project, folder: Path, home: Path, goal: Path | None) -> Checked:
    """
    Return what *folder* would become as *project*; with a *goal*, a folder, put its packages there.

    ProjectError has every problem of the contract. *home* is an empty folder for what is made meanwhile.
    """
    taken = snapshot.take(folder, home / "repository.git")
    project = replace(project, directory=taken.directory)
    machine = ThisMachine(home)
    run = Run(machine, RUN, SECONDS)
    run.fetch(project, taken.commit, str(taken.url), SECONDS)
    found = contract.read(machine, RUN, project, taken.commit, SECONDS)
    found = replace(found, metadata=_for_this_machine(found.metadata, goal is not None))
    meta, version = found.metadata, found.version
    if meta.build and goal is None:
        packages = (Made(one.name, architectures=_each(meta, one)) for one in meta.release)
        return Checked(version, taken.is_changed, tuple(packages))
    digest = own_build.run(machine, RUN, project, taken.commit, found, SECONDS) if meta.build else ""
    packaging = Packaging(run, home, version, _origin(project, taken, found), digest, goal)
    made = (replace(packaging.made(one), architectures=_each(meta, one)) for one in meta.release)
    return Checked(version, taken.is_changed, tuple(made))


def _for_this_machine(meta: Metadata, builds: bool) -> Metadata:
    """Return *meta* as this machine *builds* it; HostError when it has another architecture."""
    own = architecture()
    if not meta.architectures or own in meta.architectures:
        return meta.built_for(own) if meta.architectures else meta
    if builds:
        raise HostError(
            f"{meta.name} is built for {' and '.join(meta.architectures)}, and this machine is {own}.",
            "Leave out --build, or try it on such a machine.",
        )
    return meta


def _each(first: Metadata, package: Metadata) -> Tuple[str, ...]:
    return () if package.architecture == ALL else first.architectures


@dataclass(frozen=True)
class Packaging:
    """How a *run* in *home* makes packages of the tree with *digest*, and puts them into *goal*."""

    run: Run
    home: Path
    version: str
    origin: Origin
    digest: str
    goal: Path | None

    def made(self, meta: Metadata) -> Made:
        """Lay out, and with a goal make, the package of *meta*."""
        self.run.package(meta, self.version, self.origin, "none", digest=self.digest)
        laid_out = Made(meta.name, staged.entries(self.home / "builds" / RUN))
        if self.goal is None:
            return laid_out
        said = self.run.package(meta, self.version, self.origin, "nfpm", lintian="report", digest=self.digest)
        errors = answers.text(said.get("lintian", "")).splitlines()
        return replace(laid_out, package=Path(shutil.copy(said["file"], self.goal)), lintian=tuple(errors))


def _origin(project: Project, taken: Snapshot, found: Contract) -> Origin:
    trace = identifiers.trace_tag(project.repository, taken.commit)
    return Origin(project.repository, taken.commit, trace, found.time, project.name, project.directory)
