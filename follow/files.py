"""Files that are replaced as a whole, once whoever reads them has found them right."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from follow.errors import FollowError


@dataclass(frozen=True)
class Access:
    """Who owns a file, by number, and what its mode is; an owner of -1 is who writes it."""

    user: int = -1
    group: int = -1
    mode: int = 0o644

    def fits(self, file: Path) -> bool:
        """Whether *file* has this access."""
        found = file.stat()
        owned = self.user in (-1, found.st_uid) and self.group in (-1, found.st_gid)
        return owned and found.st_mode & 0o7777 == self.mode


def replace(file: Path, text: str, refuse_wrong: Callable[[Path], None], access: Access) -> None:
    """
    Let *file* have *text*, all of it or nothing.

    *refuse_wrong* is given the new file beside it, and raises when that may not take its place.
    """
    new = file.with_name(f".{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        _write(new, text, access)
        refuse_wrong(new)
        os.replace(new, file)
        _sync(file.parent)
    except OSError as error:
        raise FollowError(f"{file} cannot be written ({error}).") from None
    finally:
        _remove(new)


def _write(file: Path, text: str, access: Access) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as opened:
        os.fchown(descriptor, access.user, access.group)
        os.fchmod(descriptor, access.mode)
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(file: Path) -> None:
    # The error that kept the file from being written is the one to know.
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
