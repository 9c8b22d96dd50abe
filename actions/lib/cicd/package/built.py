"""A package that was built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A built package: its *file*, and *rpms* made with it, are paths on the build host."""

    name: str
    version: str
    commit: str
    trace: str
    sha256: str
    file: str = ""
    rpms: tuple[str, ...] = ()
