"""Takes a lab down, whatever state it is in; does nothing when there is none."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from pathlib import Path

from lab import cgroups, processes
from lab.errors import LabError
from lab.kernel_limits import KernelLimits
from lab.places import STAMP, Places

ROUNDS = 5
SUPERVISOR_SECONDS = 3.0
KEPT = {"logs", STAMP}
NSPAWN_LOCKS = Path("/run/systemd/nspawn/locks")


def down(places: Places) -> bool:
    """End every process of the lab and remove what it made but its logs; return whether any process ran."""
    found = bool(processes.marked(places) or cgroups.members(places))
    _end_gently(places)
    power_off(places)
    for _ in range(ROUNDS):
        if not _end_all(places):
            break
    cgroups.remove(places)
    left = processes.marked(places)
    if left:
        raise LabError(f"These processes did not end: {left}.", "End them, then run `make lab-down` again.")
    KernelLimits().give_back(places)
    wipe(places)
    return found


def power_off(places: Places, name: str = "") -> None:
    """
    Take the power from all hosts, or from host *name*: everything on them ends at once.

    The supervisors are left to see it: a process 1 that they did not wait for would keep its
    namespaces until the machine's init takes notice.
    """
    processes.stop(cgroups.inside(places, name), gently=False)
    processes.wait_gone(cgroups.members(places, name), SUPERVISOR_SECONDS)
    processes.stop(cgroups.members(places, name), gently=False)
    cgroups.remove(places, name)


def wipe(places: Places) -> None:
    """Remove the files of a lab that does not run, but keep its logs."""
    if not places.root.is_dir() or not places.is_claimed:
        return
    _remove_nspawn_locks(places)
    # The world first: whoever reads it takes the lab for running.
    places.world_file.unlink(missing_ok=True)
    for path in places.root.iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove_nspawn_locks(places: Places) -> None:
    """nspawn, killed, leaves a lock that is named by the inode of a host's disk."""
    for disk in places.hosts.glob("*/upper"):
        for lock in NSPAWN_LOCKS.glob(f"inode-*:{disk.stat().st_ino}"):
            with lock.open() as file, contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lock.unlink(missing_ok=True)


def _end_gently(places: Places) -> None:
    """Let st2local and the gateway write what they have; hosts are thrown away as they are."""
    inside = set(cgroups.members(places))
    outside = [pid for pid in processes.marked(places) if pid not in inside]
    processes.stop(outside, gently=True)


def _end_all(places: Places) -> bool:
    pids = {*processes.marked(places), *cgroups.members(places)}
    processes.stop(sorted(pids), gently=False)
    return bool(pids)
