"""Finds OpenSSH's server, or unpacks Debian's package of it without installing it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lab.lock import held
from lab.places import Places

PACKAGES = ("openssh-server", "openssh-sftp-server", "libwrap0")


def find() -> tuple[Path, Path]:
    """Return the paths of sshd and of its sftp-server."""
    installed = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if installed:
        return Path(installed), Path("/usr/lib/openssh/sftp-server")
    tree = Places.from_environment().cache / "openssh-server"
    with held(tree.with_suffix(".lock")):
        if not (tree / "usr/sbin/sshd").is_file():
            _unpack(tree)
    return tree / "usr/sbin/sshd", tree / "usr/lib/openssh/sftp-server"


def library_path(sshd: Path) -> str:
    """Return where the loader finds what an unpacked sshd links to; empty for an installed one."""
    found = sshd.parents[2].glob("usr/lib/*-linux-gnu")
    return "" if sshd.parts[:3] == ("/", "usr", "sbin") else ":".join(map(str, found))


def _unpack(tree: Path) -> None:
    work = tree.with_name(f"{tree.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=work, check=True, capture_output=True)
    for package in work.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, work], check=True)
    work.rename(tree)
