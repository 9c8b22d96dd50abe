"""Addresses and ports: whether they are free, and whether something answers."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from pathlib import Path

from lab.errors import LabError


def problem(address: str, port: int) -> LabError | None:
    """Return why nothing can listen on *port* of *address*, or None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return _explained(address, port, error)
    return None


def answers(address: str, port: int) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def wait(address: str, port: int, what: str, seconds: float = 30.0) -> None:
    """Return once *what* accepts connections there; LabError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not answers(address, port):
        if time.monotonic() > deadline:
            raise LabError(
                f"{what} does not answer on {address}:{port} after {seconds:.0f} s.",
                "See its log under the lab's logs/.",
            )
        time.sleep(0.05)


def _explained(address: str, port: int, error: OSError) -> LabError:
    if error.errno == errno.EADDRINUSE:
        return LabError(
            f"Port {port} of {address} is in use{_owner(port)}.",
            "Stop what listens there, or choose another network, such as LAB_NETWORK=127.78.0.",
        )
    return LabError(
        f"{address}:{port} cannot be listened on ({os.strerror(error.errno or 0)}).",
        "The lab needs the loopback network 127.0.0.0/8.",
    )


def _owner(port: int) -> str:
    """Return who listens on *port*, as far as /proc says."""
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].partition(":")[2], 16) == port
    }
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(descriptor).removeprefix("socket:[").rstrip("]") in inodes:
                pid = descriptor.parts[2]
                return f" by process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    return ""
