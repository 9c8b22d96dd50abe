"""This machine as a build host: the scripts that run there run here, in a home folder of their own."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Mapping, Sequence

from cicd.clients import scripts
from cicd.errors import HostError
from cicd.sanitize import neutral

# What Debian calls those that the kernel calls otherwise.
DEBIAN = {
    **{"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "armv8l": "armhf"},
    **{"i686": "i386", "ppc64le": "ppc64el"},
}


def architecture() -> str:
    """Return Debian's name of this machine's architecture."""
    return DEBIAN.get(platform.machine(), platform.machine())


class ThisMachine:
    """Runs the scripts of `clients/remote` with *home* as their home folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def script(self, name: str, arguments: Sequence[str], timeout: int) -> str:
        """Run the script *name* for at most *timeout* seconds and return what it prints; else HostError."""
        return self.text(scripts.script_text(name), name, arguments, timeout, {})

    def text(
        self, text: str, name: str, arguments: Sequence[str], timeout: int, environment: Mapping[str, str]
    ) -> str:
        """Run *text*, the script *name*, as `script` does, with more in its *environment*."""
        try:
            done = subprocess.run(
                ["sh", "-c", scripts.with_included(text), name, *arguments],
                cwd=self._home,
                env={**os.environ, "HOME": str(self._home), **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HostError(f"{name} did not end within {timeout} s.", "See what keeps it.") from None
        if done.returncode != 0:
            said = neutral(done.stderr.decode(errors="replace").strip()[-2000:], 2000)
            raise HostError(f"{name.replace('_', ' ')} failed: {said}", "Correct that, then try again.")
        return done.stdout.decode(errors="replace")

    def put(self, content: str, path: str) -> None:
        """Write *content* to *path* in the home folder."""
        (self._home / path).write_text(content, encoding="utf-8")
