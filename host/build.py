"""`python -m host.build DIRECTORY`: make the package cicd-converge, with dpkg-deb alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The program is one file, so that an upgrade replaces all of it at once.
PARTS = ("head", "report", "consul", "wanted", "health", "traffic", "packages", "plan", "run")
EPOCH = "1767225600"  # any fixed time: the same tree gives the same bytes
SUDOERS = "cicd ALL=(root) NOPASSWD: /usr/bin/cicd-converge\n"
CONTROL = """Package: cicd-converge
Version: {version}
Architecture: all
Maintainer: The cicd maintainers <maintainers@cicd.invalid>
Section: admin
Priority: optional
Depends: apt, curl, sudo, util-linux
Description: Bring a host to the version that its ring is wanted to run
 Reads the wanted version from the local Consul agent, drains the host, installs
 exactly that version, proves its health and puts the host back into traffic.
"""
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
id -u cicd >/dev/null 2>&1 || useradd --system --create-home --shell /bin/sh cicd
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl enable --quiet --now cicd-converge.timer
for file in /etc/cicd/projects/*.conf; do
    [ ! -e "$file" ] || systemctl enable --quiet --now "cicd-converge-watch@$(basename "$file" .conf).service"
done
"""
PRERM = """#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
[ -d /run/systemd/system ] || exit 0
systemctl disable --quiet --now cicd-converge.timer
for file in /etc/cicd/projects/*.conf; do
    [ -e "$file" ] || continue
    systemctl disable --quiet --now "cicd-converge-watch@$(basename "$file" .conf).service"
done
"""


def build(directory: Path) -> Path:
    """Write cicd-converge_<version>_all.deb into *directory* and return its path."""
    version = _version()
    directory.mkdir(parents=True, exist_ok=True)
    package = directory / f"cicd-converge_{version}_all.deb"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _fill(tree, version)
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(package)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())
    return package


def script() -> str:
    """Return the program cicd-converge: its parts in order, with the version it reports."""
    text = "".join((HERE / "converge" / f"{part}.sh").read_text() for part in PARTS)
    return text.replace("@VERSION@", _version(), 1)


def _fill(tree: Path, version: str) -> None:
    _put(tree / "usr/bin/cicd-converge", script(), 0o755)
    for unit in sorted((HERE / "units").iterdir()):
        _put(tree / "usr/lib/systemd/system" / unit.name, unit.read_text())
    _put(tree / "etc/cicd/converge.conf", (HERE / "converge.conf").read_text())
    _put(tree / "etc/sudoers.d/cicd-converge", SUDOERS, 0o440)
    (tree / "etc/cicd/projects").mkdir()
    _put(tree / "DEBIAN/control", CONTROL.format(version=version))
    _put(tree / "DEBIAN/conffiles", "/etc/cicd/converge.conf\n/etc/sudoers.d/cicd-converge\n")
    _put(tree / "DEBIAN/postinst", POSTINST, 0o755)
    _put(tree / "DEBIAN/prerm", PRERM, 0o755)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (int(EPOCH), int(EPOCH)))


def _put(path: Path, content: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


def _version() -> str:
    found = re.search(r"^version: (\S+)$", (HERE.parent / "pack.yaml").read_text(), re.M)
    return found[1] if found else "0.0.0"


def _environment() -> dict[str, str]:
    return {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC"}


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python -m host.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
