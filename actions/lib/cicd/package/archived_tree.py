"""What CI archived and tested, brought to a build host as the tree that is packaged."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Callable, Mapping

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.package import answers, artifact, build, project_build
from cicd.package.build import Described
from cicd.package.tree import ARTIFACT, Tree
from cicd.release.host import Host

MEGABYTE = 1024 * 1024
# Gives what the build archived as a path to a writer, up to a limit in bytes, and says how much it was.
Download = Callable[[str, Callable[[bytes], object], int], int]


def build_tree(
    settings: Settings,
    host: Host,
    run: str,
    project: Project,
    commit: str,
    described: Described,
    archived: Mapping[str, str],
    download: Download,
) -> Tree:
    """
    Bring what *described* names of *archived*, sha256 by path when the build passed, and return the tree.

    It comes by way of this machine: no build host has a token of CI's. Refused when it is not what passed.
    """
    meta = build.metadata_of(described["metadata"])
    paths = artifact.chosen(meta.artifact, archived)
    limit = settings.package.build_disk * MEGABYTE
    with tempfile.TemporaryDirectory(prefix="cicd-") as directory:
        folder, files = Path(directory), {}
        for number, (path, place) in enumerate(sorted(paths.items())):
            files[place] = folder / str(number) / path.rpartition("/")[2]
            files[place].parent.mkdir()
            _fetch(download, path, files[place], archived[path], limit)
        with (folder / "made.tar").open("wb") as packed:
            artifact.pack(files, packed, limit)
        with Shell(settings, host) as shell:
            shell.upload(str(folder / "made.tar"), f"builds/{identifiers.check('run', run)}/made.tar")
            said = answers.pairs(shell.script("take_tree", [run], settings.package.timeout))
    digest = project_build.taken(said, meta, project, commit, meta.artifact)
    return Tree(ARTIFACT, digest, "", meta.artifact, artifact.digest(archived, paths))


def _fetch(download: Download, path: str, target: Path, wanted: str, limit: int) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as file:

        def write(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        download(path, write, limit)
    if digest.hexdigest() != wanted:
        raise Refused(
            f"{path} has the sha256 {digest.hexdigest()} in CI, and had {wanted} when the build passed: "
            "it was changed since, or is larger than package.build_disk.",
            "Nothing was packaged: find out who changed it, and build the commit again.",
        )
