"""The socket by which a HAProxy that runs is asked and changed."""

from __future__ import annotations

import socket

SECONDS = 5


def ask(path: str, command: str) -> str:
    """Return what HAProxy answers to *command* at the socket *path*; OSError when it does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(path)
        connection.sendall(f"{command}\n".encode("ascii"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")
