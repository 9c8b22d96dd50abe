"""Semantic versions, for the expression functions `version_*`; each raises ValueError on what is none."""

from __future__ import annotations

from semver import Version


def compare(value: str, pattern: str) -> int:
    """Return -1, 0 or 1."""
    return Version.parse(value).compare(pattern)


def more_than(value: str, pattern: str) -> bool:
    """Tell whether `value` is the newer one."""
    return compare(value, pattern) == 1


def less_than(value: str, pattern: str) -> bool:
    """Tell whether `value` is the older one."""
    return compare(value, pattern) == -1


def equal(value: str, pattern: str) -> bool:
    """Tell whether both are the same version."""
    return compare(value, pattern) == 0


def match(value: str, pattern: str) -> bool:
    """Tell whether `value` fits an expression such as `>=1.2.0`."""
    return Version.parse(value).match(pattern)


def bump_major(value: str) -> str:
    """Return the next major version."""
    return str(Version.parse(value).bump_major())


def bump_minor(value: str) -> str:
    """Return the next minor version."""
    return str(Version.parse(value).bump_minor())


def bump_patch(value: str) -> str:
    """Return the next patch version."""
    return str(Version.parse(value).bump_patch())


def strip_patch(value: str) -> str:
    """Return `<major>.<minor>`."""
    version = Version.parse(value)
    return f"{version.major}.{version.minor}"
