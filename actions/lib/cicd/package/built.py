"""What was built of a commit: a package, or several of one release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Sequence, Tuple, TypedDict

from cicd.release.record import Build


class BuiltPackage(TypedDict):
    """One package of a build: the `file` on the host, its size in `bytes`, and what `lintian` found."""

    package: str
    file: str
    sha256: str
    bytes: int
    rpms: List[str]
    lintian: List[str]


@dataclass(frozen=True)
class Package:
    """
    A built package: its *file*, and *rpms* made with it, are paths on the build host.

    Of a release with several packages the first one has the *others*.
    """

    name: str
    version: str
    commit: str
    trace: str
    sha256: str
    file: str = ""
    rpms: tuple[str, ...] = ()
    others: tuple[Package, ...] = ()

    @property
    def release(self) -> Tuple[Package, ...]:
        """All packages of the release, this one first."""
        return (self, *self.others)


def of_build(build: Build) -> Package:
    """Return the packages of which a ring runs *build*."""
    same = (build.version, build.commit, build.trace)
    others = (Package(one.package, *same, one.sha256) for one in build.siblings)
    return Package(build.package, *same, build.sha256, others=tuple(others))


def with_others(first: Package, described: Sequence[BuiltPackage]) -> Package:
    """Return *first* with the other packages of its release, as a build *described* them."""
    same = (first.version, first.commit, first.trace)
    others = (
        Package(one["package"], *same, one["sha256"], one["file"], tuple(one["rpms"])) for one in described
    )
    return replace(first, others=tuple(others))
