"""What every machine of the site gets, as it lies in a folder here: each file where it is to lie there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Iterator, TypedDict

from cicd.errors import ConfigError

CONSUL = "/etc/consul.d/"
MOST_BYTES = 256 * 1024  # of all files together: Consul takes values of 512 KiB


class File(TypedDict):
    """A file of a machine; a path of an *owner* is below that user's home."""

    path: str
    text: str
    mode: str
    owner: str
    group: str


def file(path: str, text: str, mode: int = 0o644, owner: str = "") -> File:
    """Return a file that root has, or *owner*; Consul's group reads what its agent is configured by."""
    group = "consul" if path.startswith(CONSUL) else ""
    return File(path=path, text=text, mode=f"{mode:04o}", owner=owner, group=group)


def read(folder: str) -> Iterator[File]:
    """Yield the files in *folder*; ConfigError names one that cannot be taken."""
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file()) if folder else []
    if not found:
        raise ConfigError(
            f"`machines.files_dir` is {folder or 'not set'}, where no file is for new machines.",
            "docs/machines.md says what is to be there.",
        )
    if sum(path.stat().st_size for path in found) > MOST_BYTES:
        raise ConfigError(f"{folder} has more than {MOST_BYTES} bytes.", "Bring large files as a package.")
    for path in found:
        yield file(f"/{path.relative_to(folder)}", _text(path), stat.S_IMODE(os.stat(path).st_mode) & 0o755)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(
            f"{path}, which new machines are to get, cannot be read: {why}.",
            "Let the user of StackStorm's actions read it. A key of APT is to be ASCII-armored.",
        ) from None
