"""Asks for a Python action as a copy of a process that has imported what the pack's actions import."""

from __future__ import annotations

import contextlib
import marshal
import os
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from st2local.virtualenvs import Virtualenv

SCRIPT = Path(__file__).resolve().parent / "wrapper" / "fork_server.py"
LOST = 1  # the exit code of a process whose end nobody told


class Copy:
    """The process of one action, as `subprocess.Popen` shows one."""

    def __init__(self, answer: socket.socket, pipes: Sequence[BufferedIOBase]) -> None:
        """OSError when there is none."""
        told, descriptors, _, _ = socket.recv_fds(answer, 16, 1)
        if not told:
            raise OSError("the fork server is gone")
        self.pid, self.pidfd = int(told), descriptors[0]
        self.stdin, self.stdout, self.stderr = pipes
        self._answer = answer

    def wait(self) -> int:
        """Return the exit code, once it has ended; the number of a signal is negative."""
        with self._answer:
            return int(self._answer.recv(16) or LOST)


class ForkServer:
    """The process that is copied, for one pack."""

    def __init__(
        self, python: str, environment: Mapping[str, str], requirements: Path, library: Path
    ) -> None:
        self._library, self._imported = library, _files(library)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._is_ready = False
        with theirs:
            # It ends when the socket is closed, so it never outlives the server.
            self._process = subprocess.Popen(
                [python, "-u", str(SCRIPT), str(theirs.fileno()), str(requirements), str(library)],
                env=dict(environment), pass_fds=[theirs.fileno()], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def is_current(self) -> bool:
        """Whether the pack's library is what it was when this one began."""
        return _files(self._library) == self._imported

    def start(self, argv: Sequence[str], **options: Any) -> Copy | subprocess.Popen[bytes]:
        """Start the action's wrapper, as `subprocess.Popen` does with *argv*; by that until it is ready."""
        with contextlib.suppress(OSError):
            if self._is_ready or self._control.recv(16, socket.MSG_DONTWAIT):
                self._is_ready = True
                return self._copy(options["env"], *options["pass_fds"])
        return subprocess.Popen(argv, **options)

    def close(self) -> None:
        """Ask it for no more; it ends when what it started has ended."""
        self._control.close()
        threading.Thread(target=self._process.wait, daemon=True).start()

    def _copy(self, environment: Mapping[str, str], message: int) -> Copy:
        ours, theirs = socket.socketpair()
        (into, stdin), (stdout, out), (stderr, errors) = os.pipe(), os.pipe(), os.pipe()
        pipes = [os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), os.fdopen(stderr, "rb")]
        try:
            sent = [theirs.fileno(), into, out, errors, message]
            socket.send_fds(self._control, [marshal.dumps(dict(environment))], sent)
            theirs.close()
            return Copy(ours, pipes)
        except OSError:
            ours.close()
            for pipe in pipes:
                pipe.close()
            raise
        finally:
            theirs.close()
            for descriptor in (into, out, errors):
                os.close(descriptor)


class ForkServers:
    """That of each pack, made when it is first needed, and anew with the pack's virtualenv or library."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Virtualenv, ForkServer]] = {}
        self._lock = threading.Lock()

    def of(self, pack: Path, virtualenv: Virtualenv, environment: Mapping[str, str]) -> ForkServer:
        """Return the fork server of the pack in the folder *pack*."""
        with self._lock:
            made_for, server = self._made.get(str(pack)) or (None, None)
            if server is None or made_for is not virtualenv or not server.is_current:
                if server is not None:
                    server.close()
                library = pack / "actions" / "lib"
                server = ForkServer(virtualenv.python, environment, pack / "requirements.txt", library)
                self._made[str(pack)] = virtualenv, server
            return server

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for _, server in self._made.values():
                server.close()


def _files(library: Path) -> set[tuple[str, int]]:
    """Return each Python file in *library*, and when it was last written."""
    files = [f"{folder}/{name}" for folder, _, names in os.walk(library) for name in names]
    return {(file, os.stat(file).st_mtime_ns) for file in files if file.endswith(".py")}
