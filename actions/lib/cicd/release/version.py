"""The version of a package: `<version>-<commits>.<short commit>`, and its order, which is dpkg's."""

from __future__ import annotations

import re
from typing import Tuple

from cicd.errors import InputError, ProjectError

UPSTREAM = re.compile(r"[0-9][A-Za-z0-9.+~]*")
BUILT = re.compile(r"(?P<upstream>[0-9][A-Za-z0-9.+~]*)-(?P<commits>[0-9]+)\.(?P<short>[0-9a-f]{7})")


def package_version(upstream: str, commits: int, commit: str) -> str:
    """
    Return the version of the package of *commit*.

    *commits* is the number of commits up to and with *commit*: dpkg sorts a later
    commit of the branch higher. *upstream* is fpm.json's version.
    """
    if not UPSTREAM.fullmatch(upstream):
        raise ProjectError(
            f"fpm.json's version {upstream!r:.80} is not one that dpkg accepts.",
            "Use digits, letters and . + ~, beginning with a digit, as in 1.4.0.",
        )
    return f"{upstream}-{commits}.{commit[:7]}"


def order(version: str) -> Tuple[object, ...]:
    """
    Return what *version* sorts by: its upstream version as dpkg compares it, then its commits.

    Two builds of as many commits have no order: the digits of a commit mean nothing.
    """
    built = _built(version)
    return _parts(built["upstream"]), _number(built["commits"])


def is_at_least(version: str, upstream: str) -> bool:
    """Whether *version*, built by this pipeline, is of *upstream* or of a later one; no other version is."""
    built = BUILT.fullmatch(version)
    return bool(built) and _parts(_built(version)["upstream"]) >= _parts(upstream)


def comes_before(version: str, other: str) -> bool:
    """Whether *version* is older than *other*; one that this pipeline did not build has no place."""
    return all(map(BUILT.fullmatch, (version, other))) and order(version) < order(other)


def short_commit_of(version: str) -> str:
    """Return the first seven digits of the commit that *version* was built from."""
    return _built(version)["short"]


def _parts(upstream: str) -> Tuple[object, ...]:
    """dpkg compares texts and numbers in turn; each text ends in 0, before any letter and after `~`."""
    found = re.findall(r"([^0-9]*)([0-9]*)", upstream)
    return tuple(((*map(_weight, text), 0), _number(digits)) for text, digits in found)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _number(digits: str) -> Tuple[int, str]:
    """Longer is larger: Python reads no number of thousands of digits."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _built(version: str) -> re.Match[str]:
    match = BUILT.fullmatch(version)
    if not match:
        raise InputError(
            f"{version!r:.80} is not a version that this pipeline built.",
            "A version looks like 1.4.0-57.ab12cd3; an app host lists them: `apt-cache madison <project>`.",
        )
    return match


def package_name(project: str) -> str:
    """Return the Debian package name of *project*: lower case, no underscores."""
    return project.lower().replace("_", "-")


def is_own(project: str, repository: str, package: str, trace: str) -> bool:
    """
    Whether *package*, built on the tag *trace*, is a version of *project*, whose source is *repository*.

    A package of before this pack has no trace tag; its name says whose it is.
    """
    origin = trace.partition("@")[0].lower()
    return origin == repository.lower() if origin else package == package_name(project)
