"""Tells what is being done, and how long the lab has taken so far."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

_started = time.monotonic()


def say(line: str) -> None:
    """Print one line of progress, with the seconds since the start."""
    show(f"lab {time.monotonic() - _started:6.1f} s  {line}")


def show(text: str) -> None:
    """Print *text*; a reader that has gone away (`| head`) does not end the lab."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(line: str) -> None:
    """Print one line on stderr."""
    print(f"lab: {line}", file=sys.stderr, flush=True)


def together(tasks: Mapping[str, Callable[[], None]]) -> None:
    """Run all *tasks* at once; return when all have ended well, raise as soon as one has not."""
    errors: list[BaseException] = []
    threads = [
        threading.Thread(target=_run, args=(task, errors), name=name, daemon=True)
        for name, task in tasks.items()
    ]
    for thread in threads:
        thread.start()
    while not errors and any(thread.is_alive() for thread in threads):
        time.sleep(0.02)
    if errors:
        raise errors[0]


def _run(task: Callable[[], None], errors: list[BaseException]) -> None:
    try:
        task()
    except BaseException as error:
        errors.append(error)
