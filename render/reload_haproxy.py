"""Reload HAProxy, and let the new process begin with the servers that the old one knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from follow import command, stats_socket
from follow.errors import FollowError


def run(socket: str, state: str, reload: Sequence[str]) -> int:
    """
    Write what HAProxy at *socket* says of its servers to the file *state*, then run *reload*.

    FollowError says why the latter fails. A HAProxy that is not there has no servers to pass on.
    """
    try:
        _write(Path(state), stats_socket.ask(socket, "show servers state"))
    except OSError:
        Path(state).unlink(missing_ok=True)
    why = command.failure(reload, Path("/"))
    if why:
        raise FollowError(why)
    return 0


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, file)
