"""One command at a time changes a lab, or the cache that labs share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabError

WAIT_SECONDS = 90.0


@contextlib.contextmanager
def held(lock: Path, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock, which dies with its holder; LabError when another holds it for *wait* seconds."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        deadline = time.monotonic() + wait
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise LabError(
                    f"Another lab command (process {holder}) holds {lock}.",
                    "Wait until it has ended, or end it.",
                )
            time.sleep(0.1)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
