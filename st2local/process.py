"""A child process whose output is passed on as it comes, and which ends in time, with all it started."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from st2local.fork_server import Copy

LIMIT = 4 * 1024 * 1024
GRACE = 0.5
Child = subprocess.Popen[bytes] | Copy
_live: dict[int, Child] = {}
_lock = threading.Lock()
OnOutput = Callable[[str, str], None]


@dataclass
class Completed:
    """How a process ended; output beyond LIMIT bytes a stream is not kept."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    message: bytes = b""


class _Pipe:
    """What has come through one pipe."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.size = 0
        self.parts: list[bytes] = []
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, data: bytes) -> str:
        """Keep what there is room for, and return it as text."""
        kept = data[: max(0, LIMIT - self.size)]
        self.size += len(data)
        if kept and self.kind != "message":
            self.parts.append(kept)
            return self.decoder.decode(kept)
        self.parts.append(data if self.kind == "message" else b"")
        return ""

    def content(self) -> bytes:
        """Return all that was kept."""
        return b"".join(self.parts)

    def text(self) -> str:
        """Return all that was kept, and say how much was not."""
        dropped = self.size - LIMIT
        note = f"\n... {dropped} more bytes were not kept ..." if dropped > 0 else ""
        return self.content().decode("utf-8", "replace") + note


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None,
    timeout: float | None,
    stdin: bytes | None,
    on_output: OnOutput,
    on_start: Callable[[str], None],
    message_pipe: bool = False,
    start: Callable[..., Child] = subprocess.Popen,
) -> Completed:
    """
    Run `argv`, by `start`; kill it and its process group after `timeout` seconds.

    With `message_pipe` the child finds the number of a pipe to write its message into in ST2_MESSAGE_FD.
    """
    with _pipe(message_pipe) as (reading, writing):
        passed = [writing.fileno()] if writing else []
        named = {"ST2_MESSAGE_FD": str(passed[0])} if passed else {}
        child = start(
            argv, env={**env, **named}, cwd=cwd, start_new_session=True, pass_fds=passed,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        if writing:
            writing.close()  # the child has its own
        with _alive(child):
            on_start(_signature(child.pid))
            return _follow(child, reading.fileno() if reading else -1, timeout, stdin, on_output)


@contextlib.contextmanager
def _pipe(is_wanted: bool) -> Iterator[tuple[FileIO | None, FileIO | None]]:
    """Give both ends of a pipe, for reading and for writing, or nothing when none *is_wanted*."""
    if not is_wanted:
        yield None, None
        return
    reading, writing = os.pipe()
    with FileIO(reading, "rb") as source, FileIO(writing, "wb") as target:
        yield source, target


@contextlib.contextmanager
def _alive(child: Child) -> Iterator[None]:
    """Count *child* among those that live; in the end kill it, and what it started."""
    with _lock:
        _live[child.pid] = child
    try:
        yield
    finally:
        _kill(child)
        with _lock:
            del _live[child.pid]
        for stream in (child.stdout, child.stderr, child.stdin):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


def _follow(
    child: Child,
    message_fd: int,
    timeout: float | None,
    stdin: bytes | None,
    on_output: OnOutput,
) -> Completed:
    assert child.stdout is not None
    assert child.stderr is not None
    pipes = {child.stdout.fileno(): _Pipe("stdout"), child.stderr.fileno(): _Pipe("stderr")}
    if message_fd >= 0:
        pipes[message_fd] = _Pipe("message")
    if stdin is not None:
        threading.Thread(target=_feed, args=(child, stdin), daemon=True).start()
    timed_out = _read(child, pipes, time.monotonic() + timeout if timeout else None, on_output)
    if timed_out:
        _kill(child)
    code = child.wait()
    by_kind = {pipe.kind: pipe for pipe in pipes.values()}
    message = by_kind["message"].content() if message_fd >= 0 else b""
    return Completed(code, by_kind["stdout"].text(), by_kind["stderr"].text(), timed_out, message)


def _feed(child: Child, data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):
        assert child.stdin is not None
        child.stdin.write(data)
        child.stdin.close()


def _read(child: Child, pipes: dict[int, _Pipe], deadline: float | None, on_output: OnOutput) -> bool:
    """Read until the process has ended and its pipes are empty; returns whether the time was up first."""
    ended_at: float | None = None
    # The end of the process shows on its pidfd; grandchildren may hold its pipes open for ever.
    pidfd = child.pidfd if isinstance(child, Copy) else os.pidfd_open(child.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(pidfd, selectors.EVENT_READ)
            for descriptor in pipes:
                selector.register(descriptor, selectors.EVENT_READ)
            open_pipes = set(pipes)
            while open_pipes or ended_at is None:
                limit = ended_at + GRACE if ended_at is not None else deadline
                ready = selector.select(None if limit is None else max(0.0, limit - time.monotonic()))
                if not ready:
                    return ended_at is None
                for key, _ in ready:
                    if key.fd == pidfd:
                        ended_at = time.monotonic()
                        selector.unregister(pidfd)
                    elif not _drain(key.fd, pipes[key.fd], on_output):
                        selector.unregister(key.fd)
                        open_pipes.discard(key.fd)
                if ended_at is None and deadline is not None and time.monotonic() > deadline:
                    return True
    finally:
        os.close(pidfd)
    return False


def _drain(descriptor: int, pipe: _Pipe, on_output: OnOutput) -> bool:
    data = os.read(descriptor, 65536)
    text = pipe.take(data) if data else ""
    if text:
        on_output(pipe.kind, text)
    return bool(data)


def _kill(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _signature(pid: int) -> str:
    """Return the process group and when it began, so that a later one with its number is not mistaken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{pid} {fields[19]}"


def end_left_over(signature: str | None) -> None:
    """Kill the process group of that signature, if it is still the same one."""
    if signature and _signature(int(signature.split()[0])) == signature:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(signature.split()[0]), signal.SIGKILL)


def kill_all() -> None:
    """Kill every process that runs; for when the server stops."""
    with _lock:
        children = list(_live.values())
    for child in children:
        _kill(child)
