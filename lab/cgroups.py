"""One control group per host: systemd in a container ends its units by group, never the neighbour's."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.places import Places

REMOVE_SECONDS = 5.0


def hierarchies() -> list[Path]:
    """Return where processes are grouped on this machine: cgroup2 and systemd's own v1 tree."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [
        Path(where)
        for _, where, kind, options, *_ in mounts
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(","))
    ]


def create(places: Places, name: str) -> list[Path]:
    """Make the groups of host *name* and return them."""
    groups = [hierarchy / f"cicd-lab-{places.identity}" / name for hierarchy in hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def members(places: Places, name: str = "") -> list[int]:
    """Return the ids of all processes in the groups of the lab, or only of its host *name*."""
    return _processes(_folders(places, name))


def inside(places: Places, name: str = "") -> list[int]:
    """Return the processes inside the containers, without the supervisors that wait for them."""
    folders = [folder for folder in _folders(places, name) if "payload" in folder.parts]
    return _processes(folders)


def remove(places: Places, name: str = "") -> None:
    """Remove the groups of the lab, or only of its host *name*; their processes must have ended."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while remaining := list(_folders(places, name)):
        for folder in remaining:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _processes(folders: Iterable[Path]) -> list[int]:
    found: set[int] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return sorted(found - {0})


def _folders(places: Places, name: str) -> Iterator[Path]:
    """Yield the folders of the groups, innermost first."""
    for hierarchy in hierarchies():
        top = hierarchy / f"cicd-lab-{places.identity}" / name
        for folder, _, _ in os.walk(top, topdown=False):
            yield Path(folder)
