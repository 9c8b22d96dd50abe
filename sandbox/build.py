"""`python3 -m sandbox.build DIRECTORY`: make the package cicd-sandbox, with dpkg-deb alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb.tree import Tree

HERE = Path(__file__).resolve().parent
HOME = "usr/libexec/cicd-sandbox"
SUDOERS = f"cicd ALL=(root) NOPASSWD: /{HOME}/run\n"
DEPENDS = "iproute2, passwd, slirp4netns, sudo, systemd (>= 249), tar"
DESCRIPTION = """Run builds of projects on a build host, each in a sandbox
 Gives a build a user, a file system, a network and limits of its own, by
 systemd, and takes from it what it made."""
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
for slot in 1 2 3 4; do
    getent passwd "cicd-build-$slot" >/dev/null ||
        useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin "cicd-build-$slot"
done
"""


def build(directory: Path) -> Path:
    """Write cicd-sandbox_<version>_all.deb into *directory* and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-sandbox")
        for name in ("run", "inside"):
            tree.put(f"{HOME}/{name}", (HERE / f"{name}.sh").read_text(), 0o755)
        tree.put("etc/cicd/sandbox.env", (HERE / "sandbox.env").read_text())
        tree.put("etc/sudoers.d/cicd-sandbox", SUDOERS, 0o440)
        tree.control("all", "admin", DEPENDS, DESCRIPTION)
        tree.put("DEBIAN/conffiles", "/etc/cicd/sandbox.env\n/etc/sudoers.d/cicd-sandbox\n")
        tree.scripts(postinst=POSTINST)
        return tree.build(directory, "all")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m sandbox.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
