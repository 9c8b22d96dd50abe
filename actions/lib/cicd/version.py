"""The version of a package: `<version>-<commits>.<short commit>`."""

from __future__ import annotations

import re

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


def commits_of(version: str) -> int:
    """Return how many commits *version* was built from: the order of a project's builds."""
    return int(_built(version)["commits"])


def short_commit_of(version: str) -> str:
    """Return the first seven digits of the commit that *version* was built from."""
    return _built(version)["short"]


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
