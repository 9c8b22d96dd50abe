"""A command of the host, as words: no shell reads them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 60
SHOWN = 300


def failure(command: Sequence[str], folder: Path) -> str:
    """Return why *command* failed in *folder*, in its own last words; nothing when it succeeded."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    words = (done.stderr or done.stdout).decode("utf-8", "replace").split()
    return "" if done.returncode == 0 else " ".join(words)[-SHOWN:] or f"it ended with {done.returncode}"
