"""Kernel limits that all hosts of the machine share: raised while labs run, put back by the last one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from lab.errors import LabError
from lab.places import Places

# A booted host holds 5 instances of inotify and 21 watches; the rest is for what is installed there.
PER_HOST = {"fs/inotify/max_user_instances": 8, "fs/inotify/max_user_watches": 60}


class Book(TypedDict):
    """The limits before the first lab and as labs set them, and how many hosts each lab has, by its root."""

    before: dict[str, int]
    raised: dict[str, int]
    hosts: dict[str, int]


@dataclass(frozen=True)
class KernelLimits:
    """The limits under *kernel*; *book* is where the labs of this machine note what they raised."""

    kernel: Path = Path("/proc/sys")
    book: Path = Path("/run/cicd-lab.json")

    def take(self, places: Places, hosts: int) -> None:
        """Make room for the *hosts* of a lab beside all others; LabError when there is none."""
        with self._opened() as book:
            book["hosts"][str(places.root)] = hosts
            total = sum(book["hosts"].values())
            for name, each in PER_HOST.items():
                self._make_room(book, name, each * total)

    def give_back(self, places: Places) -> None:
        """Forget the lab; when it was the last one, what was raised is put back."""
        if self.book.exists():
            with self._opened() as book:
                book["hosts"].pop(str(places.root), None)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Book]:
        """Change the book while nobody else does; without labs in it, the limits are put back and it goes."""
        folder = os.open(self.book.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            book = self._known()
            try:
                yield book
            finally:
                self._close(book)
        finally:
            os.close(folder)

    def _known(self) -> Book:
        """Return the book, without labs whose folders are gone."""
        if not self.book.exists():
            return Book(before={}, raised={}, hosts={})
        kept: Book = json.loads(self.book.read_text())
        hosts = {root: count for root, count in kept["hosts"].items() if Path(root).is_dir()}
        return Book(before=kept["before"], raised=kept["raised"], hosts=hosts)

    def _close(self, book: Book) -> None:
        if book["hosts"]:
            self.book.write_text(json.dumps(book))
            return
        for name, value in book["raised"].items():
            # What somebody else has set since is not ours to undo.
            if self._read(name) == value:
                self._write(name, book["before"][name])
        self.book.unlink(missing_ok=True)

    def _make_room(self, book: Book, name: str, needed: int) -> None:
        now = self._read(name)
        before = book["before"].setdefault(name, now)
        if now >= before + needed:
            return
        try:
            self._write(name, before + needed)
            book["raised"][name] = before + needed
        except OSError as error:
            if now < needed:
                raise self._refused(name, now, needed, error) from None

    def _refused(self, name: str, now: int, needed: int, error: OSError) -> LabError:
        setting = name.replace("/", ".")
        return LabError(
            f"{setting} is {now}, all labs here need {needed}, and it cannot be raised ({error.strerror}).",
            f"Raise it where that is allowed: sysctl {setting}={needed}; or take another lab down.",
        )

    def _read(self, name: str) -> int:
        return int((self.kernel / name).read_text())

    def _write(self, name: str, value: int) -> None:
        (self.kernel / name).write_text(f"{value}\n")
