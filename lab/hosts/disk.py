"""A host's own disk: the files that lie over the root filesystem shared by all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab.base.recipe import USERS


class Disk:
    """Writes files over *base* into *upper*, with parents that keep the modes they have below."""

    def __init__(self, base: Path, upper: Path) -> None:
        self._base = base
        self.upper = upper

    def write(self, path: str, text: str | bytes, mode: int = 0o644, owner: str = "root") -> None:
        """Write the file *path*; *owner* is root or one of the base's users."""
        target = self._parents(path)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        self._own(target, mode, owner)

    def folder(self, path: str, mode: int = 0o755, owner: str = "root") -> None:
        """Make the folder *path*."""
        target = self._parents(path)
        target.mkdir(exist_ok=True)
        self._own(target, mode, owner)

    def copy(self, source: Path, path: str, mode: int = 0o755) -> None:
        """Copy the file or folder *source* of the machine to *path*."""
        target = self._parents(path)
        if source.is_dir():
            self._copy_folder(source, target)
            return
        shutil.copyfile(source, target)
        self._own(target, mode, "root")

    def _copy_folder(self, source: Path, target: Path) -> None:
        """Copy a folder so that everybody on the host reads it, whatever its modes are here."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored, copy_function=shutil.copyfile, dirs_exist_ok=True)
        for path in [target, *target.rglob("*")]:
            self._own(path, 0o755 if path.is_dir() else 0o644, "root")

    def link(self, path: str, destination: str) -> None:
        """Make *path* a symbolic link to *destination*."""
        target = self._parents(path)
        target.unlink(missing_ok=True)
        target.symlink_to(destination)

    def enable(self, unit: str) -> None:
        """Let *unit* start with the host."""
        packaged = (self._base / "usr/lib/systemd/system" / unit).exists()
        folder = "/usr/lib/systemd/system" if packaged else "/etc/systemd/system"
        self.link(f"etc/systemd/system/multi-user.target.wants/{unit}", f"{folder}/{unit}")

    def unit(self, name: str, text: str) -> None:
        """Add the systemd unit *name* and enable it."""
        self.write(f"etc/systemd/system/{name}", text)
        self.enable(name)

    def _parents(self, path: str) -> Path:
        """Make the folders above *path* as they are in the base: an upper folder's mode hides the lower's."""
        folder, below = self.upper, self._base
        for part in Path(path.lstrip("/")).parts[:-1]:
            folder, below = folder / part, below / part
            if folder.exists():
                continue
            folder.mkdir()
            if below.is_dir():
                status = below.stat()
                os.chown(folder, status.st_uid, status.st_gid)
                folder.chmod(status.st_mode & 0o7777)
        return self.upper / path.lstrip("/")

    @staticmethod
    def _own(target: Path, mode: int, owner: str) -> None:
        uid = USERS.get(owner, 0)
        os.chown(target, uid, uid)
        target.chmod(mode)
