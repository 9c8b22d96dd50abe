"""Semantic versions, for the expression functions `version_*`."""

from __future__ import annotations

import operator
import re
from typing import NamedTuple

_FORM = re.compile(
    r"^(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$"
)
_FITS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_EXPRESSION = re.compile(r"^(>=|<=|==|!=|>|<)?(.+)$")


class Version(NamedTuple):
    """A parsed version; `pre` is the part after the dash."""

    major: int
    minor: int
    patch: int
    pre: str


def parse(text: str) -> Version:
    """Read a version; raises ValueError."""
    found = _FORM.match(str(text))
    if found is None:
        raise ValueError(f"{text} is not valid SemVer string")
    return Version(int(found["major"]), int(found["minor"]), int(found["patch"]), found["pre"] or "")


def _order(version: Version) -> tuple[object, ...]:
    numbers = (version.major, version.minor, version.patch)
    if not version.pre:
        return (*numbers, 1, ())
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in version.pre.split("."))
    return (*numbers, 0, parts)


def compare(value: str, pattern: str) -> int:
    """Return -1, 0 or 1."""
    left, right = _order(parse(value)), _order(parse(pattern))
    return (left > right) - (left < right)


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
    found = _EXPRESSION.match(pattern)
    if found is None:
        raise ValueError(f"{pattern} is not an expression of a version")
    order = compare(value, found[2])
    fits: bool = _FITS[found[1] or "=="](order, 0)
    return fits


def bump_major(value: str) -> str:
    """Return the next major version."""
    return f"{parse(value).major + 1}.0.0"


def bump_minor(value: str) -> str:
    """Return the next minor version."""
    version = parse(value)
    return f"{version.major}.{version.minor + 1}.0"


def bump_patch(value: str) -> str:
    """Return the next patch version."""
    version = parse(value)
    return f"{version.major}.{version.minor}.{version.patch + (0 if version.pre else 1)}"


def strip_patch(value: str) -> str:
    """Return `<major>.<minor>`."""
    version = parse(value)
    return f"{version.major}.{version.minor}"
