"""The entries of `files` in fpm.json: what is packaged beside the project's directory, and where. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from cicd.package.fields import RELATIVE_PATH
from cicd.package.shape import Problem, Where

CRON = "/etc/cron.d/"
GLOB = re.compile(r"[*?\[\]]")
IN_TREE = re.compile(RELATIVE_PATH.replace("[A-Za-z", r"[*?\[\]A-Za-z"))
# Modes that a builder keeps; more rights, and owners, are given by postinst.
PLAIN = 0o755


@dataclass(frozen=True)
class File:
    """An entry: *source* in the tree, or a link's target, and what becomes of it; no *mode* means its own."""

    destination: str
    source: str = ""
    type: str = "file"
    mode: str = ""
    owner: str = "root"
    group: str = "root"

    @property
    def is_glob(self) -> bool:
        """Whether *source* may name many."""
        return self.type in ("file", "config") and bool(GLOB.search(self.source))

    @property
    def path(self) -> str:
        """Where it lies on the host; of a glob, where a file that it matches could."""
        name = self.source.rpartition("/")[2]
        if not self.destination.endswith("/"):
            return self.destination
        return self.destination + (f"{GLOB.split(name)[0]}x" if self.is_glob else name)

    @property
    def gives_away(self) -> bool:
        """Whether somebody else than root may write in it."""
        return self.owner != "root" or bool(self.mode and int(self.mode, 8) & 0o022)

    @property
    def plain_mode(self) -> str:
        """Mode in the package."""
        return f"{int(self.mode, 8) & PLAIN:04o}" if self.mode else ""

    @property
    def attributes(self) -> str:
        """Owner, group and mode that it gets at installation; empty when it has them as it is packaged."""
        if (self.owner, self.group, self.mode) == ("root", "root", self.plain_mode):
            return ""
        return f"{self.owner}:{self.group}:{'' if self.mode == self.plain_mode else self.mode}"


def read(said: Mapping[str, Any]) -> File:
    """Return the entry that *said*, with its defaults."""
    usual = "config" if said["destination"].startswith("/etc/") else "file"
    mode = f"{int(said['mode'], 8):04o}" if "mode" in said else ""
    return File(**{"type": usual, **said, "mode": mode})


def problems(file: File, where: Where) -> Iterator[Problem]:
    """Yield what is wrong with *file* by itself, the entry at *where*."""
    found = [*_source_problems(file), *_place_problems(file)]
    return ((where, f"`{where[0]}[{where[1]}]` {said}") for said in found)


def missing(entries: Sequence[File], states: Mapping[str, str]) -> Iterator[Problem]:
    """Yield each of *entries* whose source is, by the *states* of the commit, not what it should be."""
    for number, file in enumerate(entries):
        state = states.get(file.source, "missing")
        kinds = ("directory",) if file.type == "tree" else ("executable", "not executable")
        if file.source and file.type not in ("dir", "symlink") and not file.is_glob and state not in kinds:
            found = "a directory, which is `type: tree`" if state == "directory" else state
            yield ("files", number, "source"), f"`files` names {file.source}, which is {found}"


def lent(entries: Sequence[File], directories: Sequence[str], hooks: Sequence[str]) -> Iterator[Problem]:
    """
    Yield each of *entries* by which another user than root could become root.

    It lies where that user, who owns *directories*, could put a link; or gives *hooks* away, run as root.
    """
    given = [file.path for file in entries if file.type in ("dir", "tree") and file.gives_away]
    for number, file in enumerate(entries):
        for folder in (*directories, *given):
            if file.path.startswith(f"{folder.rstrip('/')}/") and file.path.rstrip("/") != folder.rstrip("/"):
                said = (
                    f"`files` would bring {file.path}, and {folder} is not root's alone: bring it elsewhere"
                )
                yield ("files", number, "destination"), said
        for hook in hooks:
            if file.path in given and hook.startswith(f"{file.path.rstrip('/')}/"):
                said = f"`files` would give {file.path} away, and with it {hook}, which runs as root"
                yield ("files", number, "destination"), said


def _source_problems(file: File) -> Iterator[str]:
    if file.type == "dir":
        if file.source:
            yield "is a dir, which has no `source`; take a tree to package one"
    elif not file.source:
        yield "has no `source`: add it"
    elif file.type != "symlink" and (not IN_TREE.fullmatch(file.source) or "**" in file.source):
        yield f"has the source {file.source}: write a path in the tree, without .. and **; or take a tree"
    elif file.type in ("tree", "symlink") and GLOB.search(file.source):
        yield f"is a {file.type}, whose source is not a glob"


def _place_problems(file: File) -> Iterator[str]:
    if file.path.startswith(CRON) and not re.fullmatch(r"[A-Za-z0-9_-]+", file.path[len(CRON) :]):
        yield f"is {file.path}, and cron reads no name but of letters, digits, _ and -"
    if file.is_glob and not file.destination.endswith("/"):
        yield "has a glob: end `destination` in /, for it may match many files"
    if file.type == "symlink" and file.destination.endswith("/"):
        yield "is a symlink: write the link as `destination` and its target as `source`"
    if file.type in ("tree", "symlink") and file.mode:
        yield f"is a {file.type}, which has no `mode`"
