"""Addresses and ports: whether they are free, and whether something answers."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError

SHOWN = 3
LISTENING = "0A"  # in /proc/net/tcp


def problems(listeners: Sequence[tuple[str, int]]) -> list[LabError]:
    """Return why nothing can listen there, in few sentences: another lab alone would give forty."""
    failed = [(address, port, error) for address, port in listeners if (error := _bind(address, port))]
    found = [_explained(*one) for one in failed[:SHOWN]]
    if len(failed) > SHOWN:
        rest = LabError(
            f"{len(failed) - SHOWN} further ports are in use as well: does another lab run?",
            "Take it down, or choose another network, such as LAB_NETWORK=127.79.0.",
        )
        found.append(rest)
    return found


def _bind(address: str, port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error
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
            f"Port {port} of {address} is in use{_owner(address, port)}.",
            "Stop what listens there, or choose another network, such as LAB_NETWORK=127.79.0.",
        )
    return LabError(
        f"{address}:{port} cannot be listened on ({os.strerror(error.errno or 0)}).",
        "The lab needs the loopback network 127.0.0.0/8.",
    )


def _owner(address: str, port: int) -> str:
    """Return who listens there, as far as /proc says."""
    number = int.from_bytes(socket.inet_aton(address), "little")
    places = {f"{number:08X}:{port:04X}", f"00000000:{port:04X}"}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{fields[9]}]" for fields in lines if fields[1] in places and fields[3] == LISTENING}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(descriptor) in sockets:
                pid = descriptor.parts[2]
                return f" by process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    return ""
