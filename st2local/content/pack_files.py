"""Which files are a pack's: what StackStorm would have after an installation from the same directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_GIT = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")


def of(directory: Path) -> tuple[str, ...]:
    """Return the paths of a pack's files: of a repository what it does not ignore; nothing that is hidden."""
    found = _in_repository(directory) if (directory / ".git").exists() else None
    paths = set(_below(directory) if found is None else found)
    return tuple(sorted(path for path in paths if _is_shown(path) and (directory / path).is_file()))


def _is_shown(path: str) -> bool:
    hidden = path.endswith(".pyc") or any(part.startswith(".") for part in path.split("/"))
    # A name that is no text could not be sent.
    return not hidden and path.isprintable()


def _in_repository(directory: Path) -> list[str] | None:
    try:
        listed = subprocess.run(_GIT, cwd=directory, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def _below(directory: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), directory)
