"""The tree that is packaged, where it comes from, and which links of it lead astray. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Iterable, Iterator, Tuple, TypedDict

from cicd.allowed import Allowed, is_in
from cicd.errors import HostError

REPOSITORY, BUILD, ARTIFACT = "repository", "build", "artifact"
# What every host has by itself, or by what the package depends on.
HOST_FOLDERS = ("/bin", "/dev", "/lib", "/lib64", "/sbin", "/usr")


class StoredTree(TypedDict, total=False):
    """A tree as records, provenance and the steps of a run have it; what is not known is left out."""

    source: str
    digest: str
    network: str
    artifact: str
    artifact_sha256: str


@dataclass(frozen=True)
class Tree:
    """
    What is packaged: `source` is the repository's own tree, what its build made, or what CI archived.

    `digest` is the sha256 of all names, modes, links and contents, `network` what the build could reach,
    `artifact` what CI archived and `artifact_sha256` the digest of that.
    """

    source: str = REPOSITORY
    digest: str = ""
    network: str = ""
    artifact: str = ""
    artifact_sha256: str = ""

    def as_json(self) -> StoredTree:
        """Return what provenance and the package's record have of it."""
        stored: StoredTree = {"source": self.source}
        if self.digest:
            stored["digest"] = self.digest
        if self.network:
            stored["network"] = self.network
        if self.artifact:
            stored["artifact"], stored["artifact_sha256"] = self.artifact, self.artifact_sha256
        return stored


def source_of(build: str, artifact: str) -> Tree:
    """Return the tree, not known further, of a project with this *build* or *artifact*."""
    return Tree(ARTIFACT if artifact else BUILD if build else REPOSITORY)


def parse(values: StoredTree) -> Tree:
    """Return the tree that `as_json` described; an empty one is the repository's."""
    try:
        return Tree(**values)
    except TypeError as error:
        raise HostError(f"The tree is not what build_tree describes ({error}).", "Run it first.") from None


def stray_links(
    links: Iterable[Tuple[str, str]], project: str, prefix: str, allowed: Allowed
) -> Iterator[str]:
    """Yield each of *links*, path and target in a tree at *prefix*, that leads to what is not *project*'s."""
    for path, target in links:
        end = posixpath.normpath(posixpath.join(prefix, posixpath.dirname(path), target))
        if not (is_in((prefix, *HOST_FOLDERS), end) or allowed.path(project, end)):
            yield f"{path} -> {target}"
