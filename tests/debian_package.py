"""What Debian's own tools say of a package of ours."""

from __future__ import annotations

import subprocess
from pathlib import Path


def unpacked(package: Path) -> Path:
    """Return a folder beside *package* with its files, and its scripts in DEBIAN."""
    tree = package.parent / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    return tree


def lintian(package: Path) -> tuple[int, str]:
    """Return how lintian ended, and what it found in *package*."""
    command = ["lintian", "--allow-root", "--fail-on", "warning,error", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def verified(tree: Path, unit: str) -> tuple[int, str]:
    """Return how systemd ended that looked at *unit* of the package in *tree*, and what it said."""
    text = (tree / "usr/lib/systemd/system" / unit).read_text()
    copy = tree.parent / unit
    copy.write_text(text.replace("/usr/bin/", f"{tree}/usr/bin/"))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr
