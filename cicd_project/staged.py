"""The files of a package as they were laid out for its builder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file on the host: *target* is a link's, *size* is in bytes."""

    path: str
    mode: str
    owner: str
    size: int
    target: str

    @property
    def line(self) -> str:
        """The entry as `ls -l` would show it."""
        arrow = f" -> {self.target}" if self.target else ""
        return f"{self.mode} {self.owner:<15} {self.size:>9} {self.path}{arrow}"


def entries(run: Path) -> list[Entry]:
    """Return what lies below `stage` in the folder of a *run*, by path; of folders only the empty ones."""
    given = _attributes(run / "attributes")
    found = [path for path in (run / "stage").rglob("*") if _counts(path)]
    return [_entry(path, f"/{path.relative_to(run / 'stage')}", given) for path in sorted(found)]


def _counts(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir() or not any(path.iterdir())


def _entry(path: Path, place: str, given: list[tuple[str, str, str]]) -> Entry:
    owner, mode, is_link = "root/root", path.lstat().st_mode, path.is_symlink()
    for where, who, bits in given:
        if place == where or (where.endswith("/") and place.startswith(where)):
            owner, mode = who, (stat.S_IFMT(mode) | int(bits, 8)) if bits else mode
    return Entry(
        place, stat.filemode(mode), owner, path.lstat().st_size, os.readlink(path) if is_link else ""
    )


def _attributes(file: Path) -> list[tuple[str, str, str]]:
    """Return path, owner and mode of what gets others at its installation: `owner:group:mode:path` a line."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    parts = [line.split(":", 3) for line in lines]
    return [(path, f"{owner}/{group}", mode) for owner, group, mode, path in parts]
