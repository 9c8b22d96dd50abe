"""The fields that identify things, each with the only pattern it may have."""

from __future__ import annotations

import re

from cicd.errors import InputError

UNSAFE = r"\x00-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb{}<$`;|\\"
PATTERNS = {
    "project": r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}",
    "repository": r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}",
    "commit": r"[0-9a-f]{40}",
    "branch": r"[A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199}",
    "version": r"[0-9][A-Za-z0-9.+~-]{0,99}",
    "user": r"[A-Za-z0-9][A-Za-z0-9._@\[\]-]{0,99}",
    "push": r"[0-9]{14}-[0-9a-f]{8}",
    "ring": r"[a-z][a-z0-9-]{0,31}",
    "sha256": r"[0-9a-f]{64}",
    "package": r"[a-z0-9][a-z0-9.+-]+",
    "distribution": r"[a-z0-9][a-z0-9.+-]{0,63}",
    "run": r"[A-Za-z0-9][A-Za-z0-9-]{0,63}",
    "plan": r"[0-9]{1,12}-[0-9a-f]{12}-[0-9a-f]{12}",
    "host": r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}",
    "address": r"[0-9A-Fa-f:]{2,39}",  # of IPv6; one of IPv4 has the form of a host
    "machine": r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",  # a label of DNS: it is the machine's host name
    "source": r"[a-z0-9][a-z0-9-]{0,39}",
    # What people call it, in any language; without what a template or a shell begins with, or nobody sees.
    "check": rf"[^{UNSAFE} ./-][^{UNSAFE}]{{0,199}}",
    "status": r"[A-Za-z][A-Za-z_-]{0,39}",
    "trace": r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}@[0-9a-f]{40}",
}


def check(field: str, value: object) -> str:
    """Return *value* when it is a string of the *field*'s pattern, or raise InputError."""
    if isinstance(value, str) and is_valid(field, value):
        return value
    raise InputError(f"{value!r:.80} is not a valid {field}.", f"A {field} matches ^{PATTERNS[field]}$.")


def is_valid(field: str, value: str) -> bool:
    """Whether *value* is of the *field*'s pattern."""
    return re.fullmatch(PATTERNS[field], value) is not None


def trace_tag(repository: str, commit: str) -> str:
    """Return the tag that joins everything that happens to *commit*: `owner/repo@commit`."""
    return f"{check('repository', repository)}@{check('commit', commit)}"
