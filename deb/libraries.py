"""The locked Python libraries that a package of ours brings along."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from deb.tree import ROOT

PIP = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps")
# What the libraries' own wheels are like; they stay byte for byte what was locked.
OVERRIDES = """{name}: embedded-library *
{name}: unstripped-binary-or-object *
{name}: executable-not-elf-or-script [usr/lib/{name}/*]
{name}: unusual-interpreter python [usr/lib/{name}/*]
"""


def install(lock: str, folder: Path) -> None:
    """Put what locks/<lock>.txt lists into *folder*: wheels alone, each as it was locked."""
    wanted = ("--only-binary", ":all:", "--no-compile", "--target", str(folder))
    subprocess.run([sys.executable, *PIP, *wanted, "-r", str(ROOT / f"locks/{lock}.txt")], check=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)


def depends() -> str:
    """Return what the libraries need of a host: compiled modules are for one minor version of Python."""
    major, minor = sys.version_info[:2]
    return f"libc6 (>= 2.34), passwd, python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})"


def architecture() -> str:
    """Return the architecture that the libraries were installed for."""
    said = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True)
    return said.stdout.strip()
