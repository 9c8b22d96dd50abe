"""One command at a time changes a lab, or the cache that labs share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lab.errors import LabError

WAIT_SECONDS = 90.0


@contextlib.contextmanager
def held(lock: Path, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock, which dies with its holder; LabError when another holds it for *wait* seconds."""
    with _opened(lock) as file:
        deadline = time.monotonic() + wait
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise LabError(
                    f"Another lab command (process {_holder(file)}) holds {lock}.",
                    "Wait until it has ended, or end it.",
                )
            time.sleep(0.1)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def interrupt_start(lock: Path) -> None:
    """Ask a `lab up` that holds the lock to end, as Ctrl-C would; nothing when there is none."""
    with _opened(lock) as file:
        if _taken(file.fileno()):
            return
        holder = _holder(file)
    with contextlib.suppress(OSError, ValueError):
        if b"lab\0up\0" in Path(f"/proc/{holder}/cmdline").read_bytes():
            os.kill(int(holder), signal.SIGTERM)


def _opened(lock: Path) -> TextIO:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a+")
    except OSError as error:
        raise LabError(
            f"{lock} cannot be written ({error.strerror}).", "Set LAB_ROOT to a folder that can."
        ) from None


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
