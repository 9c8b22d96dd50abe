"""StackStorm's command line in a process that has read its code already: a new one costs a second."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from st2client import shell

SECONDS = 300


def main(words: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
    """Be `st2 WORDS`; what it prints goes to *output*."""
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["st2", *words]
    sys.exit(shell.main(list(words)))


def run(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run `st2 WORDS` in a copy of a process that has read st2client, and return what it printed."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    with tempfile.NamedTemporaryFile("r") as output:
        process = processes.Process(target=main, args=(words, dict(environment), Path(output.name)))
        process.start()
        process.join(SECONDS)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"st2 {' '.join(words)} did not end in {SECONDS} s.")
        return output.read()
