"""What a run of GitHub Actions uploaded: artifacts, each a zip that must have the digest GitHub has of it."""

from __future__ import annotations

import hashlib
import tempfile
import weakref
import zipfile
import zlib
from typing import IO, Callable, Dict, Iterator, Tuple, cast

from cicd.clients import streams
from cicd.clients.github import PAGE, GitHub
from cicd.clients.github_actions_pages import ArtifactDocument, Artifacts
from cicd.errors import CiError, CiMissing
from cicd.sanitize import one_line

MOST_BYTES = 2 * 1024**3
# A wrong sum, data that breaks off or is none, a password, a kind of compression that Python does not know.
UNREADABLE = (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError)


class GitHubArtifacts:
    """The files that run *number* of *repository* uploaded, by `<artifact>/<path in it>`."""

    def __init__(self, github: GitHub, repository: str, number: int) -> None:
        self._github, self._repository, self._number = github, repository, number
        self._files: Dict[str, Tuple[zipfile.ZipFile, str]] = {}

    def paths(self) -> list[str]:
        """Return the paths of all files, as far as 2 GB of zips have them."""
        return sorted(self._known())

    def copy(self, path: str, write: Callable[[bytes], object], limit: int) -> int:
        """Give *write* the file *path* up to *limit* bytes and return its size; it is larger when cut off."""
        if path not in self._known():
            raise CiMissing(f"Run {self._number} of {self._repository} uploaded no {one_line(path, 200)}.")
        archive, name = self._known()[path]
        try:
            return _copied(archive, name, write, limit)
        except UNREADABLE as error:
            raise CiError(
                f"{one_line(path, 200)} of run {self._number} of {self._repository} cannot be read from its "
                f"zip ({one_line(str(error), 100)}).",
                "Upload it with actions/upload-artifact.",
            ) from None

    def _known(self) -> Dict[str, Tuple[zipfile.ZipFile, str]]:
        if not self._files:
            for one, archive in self._archives():
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
                self._files.update({f"{one['name']}/{name}": (archive, name) for name in names})
        return self._files

    def _archives(self) -> Iterator[Tuple[ArtifactDocument, zipfile.ZipFile]]:
        path = f"repos/{self._repository}/actions/runs/{self._number}/artifacts"
        page = cast(Artifacts, self._github.ask("GET", path, params={"per_page": PAGE}))
        left = MOST_BYTES
        for one in sorted(page["artifacts"], key=lambda found: found["name"]):
            left -= int(one["size_in_bytes"])
            if not one.get("expired") and left >= 0:
                yield one, self._opened(one)

    def _opened(self, one: ArtifactDocument) -> zipfile.ZipFile:
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, file.close)  # its zip is read until then
        digest = hashlib.sha256()

        def keep(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        path = f"repos/{self._repository}/actions/artifacts/{one['id']}/zip"
        streams.copy(self._github.stream(path), keep, MOST_BYTES)
        said = f"sha256:{digest.hexdigest()}"
        what = f"The artifact {one_line(one['name'], 100)} of run {self._number} of {self._repository}"
        if one.get("digest") not in (None, said):
            raise CiError(f"{what} is {said}, and GitHub says that it is {one_line(str(one['digest']), 80)}.")
        try:
            return zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise CiError(f"{what} is not a zip.", "Upload it with actions/upload-artifact.") from None


def _copied(archive: zipfile.ZipFile, name: str, write: Callable[[bytes], object], limit: int) -> int:
    size = 0
    with archive.open(name) as file:
        while piece := file.read(streams.PIECE_BYTES):
            size += len(piece)
            if size > limit:
                break
            write(piece)
    return size
