"""The folder `projects_dir` of the configuration: one file for each project, read when that is read."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Container, Dict, List, Mapping

from cicd import config_file, config_schema, identifiers
from cicd.errors import CicdError, ConfigError
from cicd.sanitize import one_line

ENDING, OTHER_ENDING = ".yaml", ".yml"
# What PyYAML raises besides its own errors: for a date that is none, `!!bool perhaps`, `!!int ''`.
NO_VALUE = (ValueError, LookupError, AttributeError, RecursionError)
LARGEST_BYTES = 65536
READ_AGAIN = "It is read again at once; until then nothing is done about this project."


@dataclass(frozen=True)
class ProjectFile:
    """What the file *path* says of the project *name*; *trouble* is why it cannot be read."""

    name: str
    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


def read(folder: str, others: Container[str]) -> List[ProjectFile]:
    """
    Return the files of *folder*, by name; an empty *folder* has none. *others* are projects of elsewhere.

    ConfigError when the folder itself cannot be read, since all its projects would be gone.
    """
    found = [_read(path, others) for path in paths(folder)] if folder else []
    config_file.stand_in({file.name: file.path for file in found if file.name not in others})
    return found


def paths(folder: str) -> List[Path]:
    """Return the files of projects in *folder*; what other programs leave there is none."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} with the projects cannot be read: {error.strerror}.",
            "Create it readable for StackStorm's actions and sensors, or correct `projects_dir`.",
        ) from None
    return [Path(folder, name) for name in names if name.endswith((ENDING, OTHER_ENDING)) and name[0] != "."]


def digests(folder: str) -> Dict[str, str]:
    """Return what stands for the content of each file of *folder*, by its name."""
    return {_shown(path.name): _digest(path) for path in paths(folder)} if folder else {}


def refuse_unusable(file: ProjectFile) -> None:
    """Raise ConfigError when *file* cannot be read, or the schema refuses something in it."""
    if file.trouble:
        raise ConfigError(file.trouble, f"Correct it. {READ_AGAIN}")
    wrong = config_schema.problems_of_project(file.name, file.values)
    if wrong:
        raise ConfigError(
            f"`{wrong[0].name}` {wrong[0].why} in {config_file.place(wrong[0].keys)}.",
            config_file.correction(wrong[0].keys, "cicd.yaml.example"),
        )


def named(file: ProjectFile, error: CicdError) -> CicdError:
    """Return *error* so that it names *file*."""
    where = f"{file.path.parent}/{_shown(file.path.name)}"
    if where in error.message + error.hint:
        return error
    return ConfigError(f"{where}: {error.message}", error.hint)


def _read(path: Path, others: Container[str]) -> ProjectFile:
    name, shown = path.name[: -len(ENDING)], _shown(path.name)
    if not path.name.endswith(ENDING):
        trouble = f"{path.parent}/{shown} is not read: its name must end in {ENDING}."
        return ProjectFile(shown, path, trouble=trouble)
    if not re.fullmatch(identifiers.PATTERNS["project"], name):
        name = shown[: -len(ENDING)]
        return ProjectFile(
            name, path, trouble=f"{name!r:.80}, the name of a file in {path.parent}, is not a valid project."
        )
    if name in others:
        trouble = f"{name} is in {path}, and below `projects` in the pack's configuration as well."
        return ProjectFile(name, path, trouble=trouble)
    return _parsed(name, path)


def _shown(name: str) -> str:
    """Return the *name* of a file, in which any byte may stand, as text that everybody can show."""
    return one_line(os.fsencode(name).decode("utf-8", "replace"), 80)


def _parsed(name: str, path: Path) -> ProjectFile:
    import yaml  # it takes long, and most configurations name no folder

    try:
        values = yaml.load(_content(path), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        return ProjectFile(name, path, trouble=f"{path} cannot be read: {error.strerror}.")
    except yaml.YAMLError as error:
        why = config_file.why_no_yaml(path, error)
        return ProjectFile(name, path, trouble=f"The project {name} is not YAML: {why}.")
    except NO_VALUE as error:
        return ProjectFile(name, path, trouble=f"{path} cannot be read: {one_line(str(error), 200)}.")
    if not isinstance(values, dict):
        return ProjectFile(name, path, trouble=f"{path} is not a mapping of a project's keys to values.")
    return ProjectFile(name, path, values)


def _content(path: Path) -> bytes:
    """Return what is in *path*; OSError for a pipe, which would wait, and for what YAML may break at."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file")
    if path.stat().st_size > LARGEST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST_BYTES // 1024} KiB")
    return path.read_bytes()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(_content(path)).hexdigest()[:16]
    except OSError as error:
        return f"unreadable: {error.strerror}"
