"""What CI archived, as the tree of a package: which file it is, and what is in it. No network."""

from __future__ import annotations

import hashlib
import stat
import tarfile
import tempfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Iterator, Mapping, Optional, Tuple

from cicd.errors import ProjectError
from cicd.sanitize import one_line

# Name, mode, where a link leads, and the content of a file.
Member = Tuple[str, int, str, Optional[IO[bytes]]]
PIECE = 1024 * 1024
HINT = "Correct `artifact` in fpm.json, or what CI archives, and push again."


def chosen(wanted: str, archived: Mapping[str, str]) -> dict[str, str]:
    """
    Return the paths of *archived* that *wanted* means, each with its place in the tree.

    A folder, which ends in /, means all below it, and anything else exactly one file, whose place is empty.
    """
    if wanted.endswith("/"):
        found = {path: path[len(wanted) :] for path in archived if path.startswith(wanted)}
    else:
        found = {path: "" for path in archived if fnmatchcase(path, wanted)}
    if not found or (len(found) > 1 and not wanted.endswith("/")):
        named = ", ".join(sorted(found)[:5])
        said = one_line(f"{len(found)} files ({named})" if found else "no file", 400)
        raise ProjectError(
            f"fpm.json's `artifact` {wanted} names {said} of {len(archived)} that CI archived.", HINT
        )
    return found


def digest(archived: Mapping[str, str], paths: Mapping[str, str]) -> str:
    """Return the sha256 of the one of *paths*, or of the list of all, as *archived* has theirs."""
    if list(paths.values()) == [""]:
        return archived[next(iter(paths))]
    lines = "".join(f"{archived[path]}  {path}\n" for path in sorted(paths))
    return hashlib.sha256(lines.encode()).hexdigest()


def pack(files: Mapping[str, Path], target: IO[bytes], limit: int) -> None:
    """
    Write the tree of *files*, by place, to *target* as a tar of `output`.

    The one file whose place is empty is unpacked when it is a tar or a zip. ProjectError names what no
    tree may have, and when all is more than *limit* bytes.
    """
    left = limit
    with tarfile.open(fileobj=target, mode="w") as packed:
        for place, file in sorted(files.items()):
            members = [(place, 0o644, "", file.open("rb"))] if place else _members(file)
            for name, mode, link, content in members:
                left -= _add(packed, _safe(name), mode, link, content, left)


def _members(file: Path) -> Iterator[Member]:
    if tarfile.is_tarfile(file):
        with tarfile.open(file) as archive:
            for member in archive:
                yield _of_tar(archive, member)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as zipped:
            for info in zipped.infolist():
                yield _of_zip(zipped, info)
    else:
        yield file.name, 0o644, "", file.open("rb")


def _of_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Member:
    if member.isdir() or member.issym():
        return member.name, 0o755, member.linkname if member.issym() else "", None
    if member.isreg() or member.islnk():
        return member.name, member.mode, "", archive.extractfile(member)
    raise _refusal(member.name, "a device or a pipe, which no package has")


def _of_zip(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    if info.is_dir():
        return info.filename, 0o755, "", None
    if stat.S_ISLNK(mode):
        return info.filename, 0o755, zipped.read(info).decode("utf-8", errors="replace"), None
    return info.filename, mode, "", zipped.open(info)


def _safe(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _refusal(name, "a path that leads out of it")
    return str(path)


def _add(
    packed: tarfile.TarFile, name: str, mode: int, link: str, content: Optional[IO[bytes]], left: int
) -> int:
    """Add one member and return its size; what is a program by its content can be run."""
    entry = tarfile.TarInfo(f"output/{name}")
    entry.mode = 0o755
    if content is None:
        entry.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE
        entry.linkname = link
        packed.addfile(entry)
        return 0
    with content, tempfile.TemporaryFile() as spool:
        entry.size = _spool(content, spool, left)
        start = spool.read(4)
        is_program = bool(mode & 0o100) or start == b"\x7fELF" or start[:2] == b"#!"
        entry.mode = 0o755 if is_program else 0o644
        spool.seek(0)
        packed.addfile(entry, spool)
    return entry.size


def _spool(content: IO[bytes], spool: IO[bytes], left: int) -> int:
    """Copy *content*, whose size is known by reading alone, and return the size; the copy is at its start."""
    size = 0
    while piece := content.read(min(PIECE, left - size + 1)):
        size += len(piece)
        if size > left:
            raise ProjectError(
                "What CI archived is more than package.build_disk.", "Archive less, or allow more."
            )
        spool.write(piece)
    spool.seek(0)
    return size


def _refusal(name: str, what: str) -> ProjectError:
    return ProjectError(f"What CI archived has {one_line(name, 200)}, {what}.", HINT)
