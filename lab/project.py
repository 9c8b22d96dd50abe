"""A project that the lab deploys: its names, its port, and where its code is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.errors import LabError
from lab.places import Places
from lab.world import PROJECT, ROLE

NAME = r"[a-z0-9][a-z0-9-]{0,39}"
SCRIPTS = ("script/cisetup", "script/cibuild")
JENKINS, GITHUB_ACTIONS = "jenkins", "github_actions"
FIRST_PORT = 8090  # of the projects that are added; the first one has 8080


@dataclass(frozen=True)
class Project:
    """
    *port* is where its application listens on every app host; *unit* is empty when it has none.

    Of several projects in one repository, *directory* is this one's folder, *home* the repository's name
    and *shared* are the folders that belong to none. *ci* is the driver of what builds it.
    """

    name: str
    port: int
    unit: str
    directory: str = ""
    home: str = ""
    shared: tuple[str, ...] = ()
    ci: str = JENKINS

    @property
    def repository(self) -> str:
        return f"acme/{self.clone}"

    @property
    def clone(self) -> str:
        """The name of the clone in which its developers work."""
        return self.home or self.name

    @property
    def tag(self) -> str:
        return f"{self.name}::{ROLE}"

    @property
    def canary_tag(self) -> str:
        return f"{self.tag}_canary"

    @property
    def stable_tag(self) -> str:
        """The tag of hosts outside the canary."""
        return f"{self.tag}_stable"


FIRST = Project(PROJECT, 8080, f"{PROJECT}.service")


def known(places: Places) -> list[Project]:
    """Return the projects of the lab, the first one first."""
    file = _file(places)
    added = json.loads(file.read_text()) if file.exists() else []
    return [FIRST, *(Project(**{**values, "shared": tuple(values["shared"])}) for values in added)]


def keep(places: Places, project: Project) -> None:
    """Let *project* be one of the lab's."""
    added = [asdict(one) for one in known(places)[1:]]
    partial = _file(places).with_suffix(".partial")
    partial.write_text(json.dumps([*added, asdict(project)], indent=2))
    partial.rename(_file(places))


def read_all(places: Places, folder: Path, directories: Sequence[str]) -> list[Project]:
    """Return the projects in *directories* of *folder*, or *folder* as the only one, as `read` does."""
    if not directories:
        return [read(folder, known(places))]
    home, found = _name(folder, {}), known(places)
    for directory in directories:
        one = read(folder / directory, found)
        found = [*found, replace(one, directory=directory, home=home, shared=_shared(folder, directories))]
    return found[-len(directories) :]


def _shared(folder: Path, directories: Sequence[str]) -> tuple[str, ...]:
    ours = {".git", *(Path(directory).parts[0] for directory in directories)}
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in ours))


def read(folder: Path, others: Sequence[Project]) -> Project:
    """Return *folder* as a project that is none of *others*; LabError says what it lacks."""
    described = _description(folder)
    name = _name(folder, described)
    if not re.fullmatch(NAME, name):
        raise LabError(
            f"{name!r} cannot be a project's name here.", f'Give "name" in fpm.json, of the form {NAME}.'
        )
    if name in [project.name for project in others]:
        raise LabError(f"The lab has a project {name} already.", "Give another name in fpm.json.")
    for script in SCRIPTS:
        if not os.access(folder / script, os.X_OK):
            raise LabError(
                f"{folder / script} is missing or not executable.", "docs/project.md says what it does."
            )
    return Project(name, _free_port(others), Path(str(described.get("unit") or "")).name)


def _name(folder: Path, described: Mapping[str, object]) -> str:
    return str(described.get("name") or folder.resolve().name).lower().replace("_", "-")


def _description(folder: Path) -> dict[str, object]:
    path = folder / "fpm.json"
    try:
        described = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LabError(
            f"{path} cannot be read ({error}).", "docs/project.md says what a project brings."
        ) from None
    if not isinstance(described, dict):
        raise LabError(f"{path} is not a JSON object.", "docs/project.md says what is in it.")
    return described


def _free_port(others: Sequence[Project]) -> int:
    return max([FIRST_PORT - 1, *(project.port for project in others)]) + 1


def _file(places: Places) -> Path:
    return places.root / "projects.json"
