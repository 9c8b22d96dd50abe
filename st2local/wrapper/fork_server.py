"""
Starts the Python actions of one pack as copies of itself, which has imported what they import.

That is what the pack requires, and the pack's library. Its arguments are the descriptor of a socket for
requests, the pack's requirements.txt and the library's folder.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.metadata
import marshal
import os
import pkgutil
import re
import select
import socket
import sys
import threading

import python_action_wrapper  # type: ignore[import-not-found]  # beside this file
from st2common.runners import base_action, loader  # noqa: F401  # what the wrapper itself imports

REQUEST_BYTES = 1 << 20
DESCRIPTORS = 5  # the answer's, stdin, stdout, stderr and the message pipe


def preload(requirements: str) -> None:
    """Import the packages that the file names; what cannot be imported is missed by the action itself."""
    with contextlib.suppress(OSError), open(requirements, encoding="utf-8") as file:
        for name in filter(None, map(re.compile(r"[A-Za-z0-9][\w.-]*").match, file)):
            with contextlib.suppress(Exception):
                listed = importlib.metadata.distribution(name[0]).read_text("top_level.txt")
                for module in (listed or name[0].replace("-", "_")).split():
                    importlib.import_module(module)


def preload_library(folder: str) -> None:
    """Import all modules in *folder*; what cannot be imported fails in the action that wants it."""
    for module in pkgutil.walk_packages([folder], onerror=lambda _: None):
        if module.name.rpartition(".")[2] != "__main__":
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)


def serve(control: socket.socket) -> bool:
    """Copy this process for each request; return True in a copy, False once all is over and nobody asks."""
    running: dict[int, tuple[int, socket.socket]] = {}
    poll, is_asked = select.poll(), True
    poll.register(control, select.POLLIN)
    while is_asked or running:
        for ready, _ in poll.poll():
            if ready in running:
                poll.unregister(ready)
                tell_end(ready, *running.pop(ready))
                continue
            request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, DESCRIPTORS)
            if not request:
                poll.unregister(control)
                is_asked = False
                continue
            pid = os.fork()
            if not pid:
                control.close()
                for pidfd, (_, answer) in running.items():
                    os.close(pidfd)
                    answer.close()
                become(marshal.loads(request), *descriptors)
                return True
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, socket.socket(fileno=descriptors[0])
            poll.register(pidfd, select.POLLIN)
    return False


def become(
    environment: dict[str, str], answer: int, stdin: int, stdout: int, stderr: int, message: int
) -> None:
    """Make this copy what the process of an action is, and tell who asked for it."""
    os.setsid()
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment, ST2_MESSAGE_FD=str(message))
    own = os.pidfd_open(os.getpid())
    with socket.socket(fileno=answer) as asked:
        socket.send_fds(asked, [str(os.getpid()).encode()], [own])
    os.close(own)


def tell_end(pidfd: int, pid: int, answer: socket.socket) -> None:
    """Tell who asked for the process *pid* how it ended."""
    os.close(pidfd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with answer, contextlib.suppress(OSError):
        answer.sendall(str(code).encode())


def end(shared: set[str]) -> None:
    """End as Python does, but for the *shared* modules: to free them takes longer than most actions."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as multiprocessing does here
    atexit._run_exitfuncs()
    own = [sys.modules.pop(name) for name in sys.modules.keys() - shared]
    for module in own:
        vars(module).clear()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    requests = socket.socket(fileno=int(sys.argv[1]))
    preload(sys.argv[2])
    shared = set(sys.modules)
    preload_library(sys.argv[3])
    if threading.active_count() > 1:
        sys.exit("a copy would lack the threads that a library has begun")
    gc.freeze()
    requests.send(b"ready")
    if serve(requests):
        python_action_wrapper.main()
        end(shared)
