"""Programs of the lab that are stopped, as they are, for a while."""

import contextlib
import os
import signal
from collections.abc import Iterator

from lab import cgroups, processes
from lab.places import Places


@contextlib.contextmanager
def frozen(*programs: str) -> Iterator[None]:
    """Let every process of the lab stand still whose command line names one of *programs*."""
    places = Places.from_environment()
    commands = {
        **processes.marked(places),
        **{pid: processes.command(pid) for pid in cgroups.members(places)},
    }
    found = {name: [pid for pid, line in commands.items() if name in line] for name in programs}
    assert all(found.values()), found
    pids = sorted({pid for of_one in found.values() for pid in of_one})
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: int) -> None:
    """Send it to all; a step of a workflow may have ended by itself meanwhile."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
