"""The processes of a lab: each carries the lab's mark in its environment, so that none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.places import Places

MARK = "CICD_LAB"
TERM_SECONDS = 5.0
KILL_SECONDS = 10.0
_closed = threading.Event()


def close() -> None:
    """Start nothing more: what another thread was about to start would outlive the end of the lab."""
    _closed.set()


def environment(places: Places, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with the mark of the lab and *extra*."""
    return {**os.environ, MARK: str(places.root), **(extra or {})}


def spawn(
    places: Places,
    name: str,
    argv: Sequence[str],
    extra: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start *argv* in a session of its own, with its output in logs/*name*.log."""
    if _closed.is_set():
        raise LabError(f"{name} was not started.", "The lab is being taken down.")
    places.logs.mkdir(parents=True, exist_ok=True)
    with (places.logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(places, extra),
            cwd=cwd,
            start_new_session=True,
        )


def marked(places: Places) -> dict[int, str]:
    """Return the command lines, by process id, of all processes that carry the mark of this lab."""
    mark = f"{MARK}={places.root}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and mark in _fields(entry / "environ"):
            found[int(entry.name)] = command(int(entry.name))
    return found


def command(pid: int) -> str:
    """Return the command line of the process *pid*; empty when it is gone."""
    return b" ".join(_fields(Path(f"/proc/{pid}/cmdline"))).decode(errors="replace").strip()


def stop(pids: Sequence[int], gently: bool) -> None:
    """End *pids* and return once they are gone; *gently* gives them a while to end by themselves."""
    if gently:
        _signal(pids, signal.SIGTERM)
        wait_gone(pids, TERM_SECONDS)
    _signal(pids, signal.SIGKILL)
    wait_gone(pids, KILL_SECONDS)


def alive(pid: int) -> bool:
    """Whether *pid* runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in {"Z", "X"}


def wait_gone(pids: Sequence[int], seconds: float) -> None:
    """Return once none of *pids* runs, or after *seconds*."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def _fields(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
