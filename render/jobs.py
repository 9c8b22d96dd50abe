"""The files of render.d: each a job of its own, so that one that is wrong keeps no other from being done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from follow.errors import FollowError
from render import job
from render.job import Job

ENDING = ".yaml"


def read(folder: str) -> tuple[Mapping[str, Job], list[str]]:
    """Return the jobs in *folder*, by the names of their files, and what is wrong with the others."""
    found: dict[str, Job] = {}
    troubles = []
    for file in sorted(Path(folder).glob(f"*{ENDING}")):
        try:
            found[file.stem] = job.parse(_values(file))
        except FollowError as error:
            troubles.append(f"{file}: {error}.")
    return found, [*troubles, *_twice(found)]


def _values(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FollowError(f"it cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise FollowError(f"it is not YAML ({' '.join(str(error).split())})") from None


def _twice(found: dict[str, Job]) -> list[str]:
    """Take those out of *found* that another one writes over, and say so."""
    places: dict[Path, str] = {}
    troubles = []
    for name in list(found):
        first = places.setdefault(found[name].destination, name)
        if first != name:
            troubles.append(f"{name}{ENDING}: {found[name].destination} is already that of {first}{ENDING}.")
            del found[name]
    return troubles
