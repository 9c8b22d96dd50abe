"""A virtualenv for each pack, made from its requirements.txt, and made anew when that changes."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from st2local.content.registry import Registry
from st2local.errors import RefusedError

LOG = logging.getLogger(__name__)
_STAMP = ".requirements-sha256"


@dataclass(frozen=True)
class Virtualenv:
    """Where a pack's interpreter is; the built-in packs use the server's own."""

    python: str
    directory: Path | None


class Virtualenvs:
    """Makes each pack's virtualenv once, when it is first needed or by `prepare`."""

    def __init__(self, registry: Registry, directory: Path, python: str) -> None:
        """Keep them in *directory*; *python* makes them."""
        self._registry = registry
        self._directory = directory
        self._python = python
        self._locks = {ref: threading.Lock() for ref in registry.packs}
        self._ready: dict[str, Virtualenv] = {}

    def prepare(self) -> None:
        """Make all of them; raises RefusedError when pip fails."""
        for ref in self._registry.packs:
            self.ready(ref)

    def reload(self) -> None:
        """Make anew those whose requirements have changed."""
        self._ready.clear()
        self.prepare()

    def ready(self, pack: str) -> Virtualenv:
        """Return a pack's virtualenv, made first when need be."""
        with self._locks[pack]:
            if pack not in self._ready:
                self._ready[pack] = self._make(pack)
            return self._ready[pack]

    def _make(self, pack: str) -> Virtualenv:
        if self._registry.packs[pack].built_in:
            return Virtualenv(sys.executable, None)
        directory = self._directory / pack
        requirements = self._registry.packs[pack].path / "requirements.txt"
        wanted = requirements.read_bytes() if requirements.exists() else b""
        version = self._call(pack, [self._python, "-VV"])
        stamp = hashlib.sha256(wanted + version.encode()).hexdigest()
        marker = directory / _STAMP
        with _alone(directory):
            if not marker.exists() or marker.read_text() != stamp:
                self._build(pack, directory, requirements if wanted.strip() else None)
                marker.write_text(stamp)
        return Virtualenv(str(directory / "bin" / "python"), directory)

    def _build(self, pack: str, directory: Path, requirements: Path | None) -> None:
        LOG.info("making the virtualenv of pack %s in %s", pack, directory)
        shutil.rmtree(directory, ignore_errors=True)
        self._call(pack, [self._python, "-m", "venv", "--without-pip", str(directory)])
        if requirements is not None:
            LOG.info("installing the requirements of pack %s", pack)
            pip = [sys.executable, "-m", "pip", "--python", str(directory / "bin" / "python")]
            quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
            self._call(pack, [*pip, "install", *quiet, "-r", str(requirements)])

    def _call(self, pack: str, argv: list[str]) -> str:
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=1800)
        except OSError as error:
            raise RefusedError(f"the virtualenv of pack {pack} could not be made: {error}") from error
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise RefusedError(f"the virtualenv of pack {pack} could not be made: {last}")
        return done.stdout


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep other servers of this checkout from making *directory* while the block does."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
