"""`python3 -m host.build DIRECTORY`: make the package cicd-converge, with dpkg-deb alone."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The program is one file, so that an upgrade replaces all of it at once.
PARTS = (
    "head",
    "report",
    "consul",
    "wanted",
    "health",
    "traffic",
    "packages",
    "others",
    "content",
    "pin",
    "trust",
    "provenance",
    "plan",
    "run",
)
# Both packages of a rollback may be older ones: the host keeps their hooks itself, as a newer preinst does.
HOOKS = HERE.parent / "actions" / "lib" / "cicd" / "maintainer"
EPOCH = "1767225600"  # any fixed time: the same tree gives the same bytes
SUDOERS = "cicd ALL=(root) NOPASSWD: /usr/bin/cicd-converge\n"
CONTROL = """Package: cicd-converge
Version: {version}
Architecture: all
Maintainer: The cicd maintainers <maintainers@cicd.invalid>
Section: admin
Priority: optional
Depends: apt, curl, gpgv, jq, sudo
Description: Bring a host to the version that its ring is wanted to run
 Reads the wanted version from the local Consul agent, drains the host, installs
 exactly that version, proves its health and puts the host back into traffic.
"""
CHANGELOG = """cicd-converge ({version}) stable; urgency=medium

  * See CHANGELOG.md of the pack of this version.

 -- The cicd maintainers <maintainers@cicd.invalid>  Thu, 01 Jan 2026 00:00:00 +0000
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 The cicd maintainers
License: Apache-2.0
 On Debian systems the whole license is in /usr/share/common-licenses/Apache-2.0.
"""
# A watch keeps the runs that it started alive when it is restarted itself.
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if shell=$(getent passwd cicd); then
    case ${shell##*:} in
        */nologin | */false) echo "Nobody can log in as cicd: usermod --shell /bin/sh cicd" >&2 ;;
    esac
else
    group=--user-group
    ! getent group cicd >/dev/null || group='--gid cicd'
    useradd --system --create-home --shell /bin/sh --password '*' $group cicd
fi
cicd-converge --pin >/dev/null || true
watches=
for file in /etc/cicd/projects/*.conf; do
    [ ! -e "$file" ] || watches="$watches cicd-converge-watch@$(basename "$file" .conf).service"
done
deb-systemd-helper enable cicd-converge.timer $watches >/dev/null || true
[ -d /run/systemd/system ] || exit 0
systemctl --system daemon-reload >/dev/null || true
deb-systemd-invoke start cicd-converge.timer >/dev/null || true
[ -z "$watches" ] || deb-systemd-invoke restart $watches >/dev/null || true
"""
PRERM = """#!/bin/sh
set -e
[ "$1" = remove ] && [ -d /run/systemd/system ] || exit 0
deb-systemd-invoke stop cicd-converge.timer >/dev/null || true
for file in /etc/cicd/projects/*.conf; do
    [ -e "$file" ] || continue
    deb-systemd-invoke stop "cicd-converge-watch@$(basename "$file" .conf).service" >/dev/null || true
done
"""
POSTRM = """#!/bin/sh
set -e
case "$1" in remove | purge) rm -f /etc/apt/preferences.d/00cicd.pref ;; *) exit 0 ;; esac
if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper "$1" cicd-converge.timer >/dev/null || true
    for link in /etc/systemd/system/multi-user.target.wants/cicd-converge-watch@*.service; do
        [ ! -L "$link" ] || deb-systemd-helper "$1" "$(basename "$link")" >/dev/null || true
    done
fi
[ "$1" != purge ] || rm -rf /var/lib/cicd-converge
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true
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
    files = [HERE / "converge" / f"{part}.sh" for part in PARTS]
    files[1:1] = [HOOKS / "run.sh", HOOKS / "old_hooks.sh"]
    text = "".join(file.read_text() for file in files)
    return text.replace("@VERSION@", _version(), 1)


def _fill(tree: Path, version: str) -> None:
    _put(tree / "usr/bin/cicd-converge", script(), 0o755)
    for unit in sorted((HERE / "units").iterdir()):
        _put(tree / "usr/lib/systemd/system" / unit.name, unit.read_text())
    _put(tree / "etc/cicd/converge.conf", (HERE / "converge.conf").read_text())
    _put(tree / "etc/sudoers.d/cicd-converge", SUDOERS, 0o440)
    (tree / "etc/cicd/projects").mkdir()
    _compress(tree / "usr/share/man/man8/cicd-converge.8.gz", (HERE / "cicd-converge.8").read_text())
    _compress(tree / "usr/share/doc/cicd-converge/changelog.gz", CHANGELOG.format(version=version))
    _put(tree / "usr/share/doc/cicd-converge/copyright", COPYRIGHT)
    _put(tree / "DEBIAN/control", CONTROL.format(version=version))
    _put(tree / "DEBIAN/conffiles", "/etc/cicd/converge.conf\n/etc/sudoers.d/cicd-converge\n")
    _put(tree / "DEBIAN/postinst", POSTINST, 0o755)
    _put(tree / "DEBIAN/prerm", PRERM, 0o755)
    _put(tree / "DEBIAN/postrm", POSTRM, 0o755)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (int(EPOCH), int(EPOCH)))


def _put(path: Path, content: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


def _compress(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content.encode(), mtime=0))
    path.chmod(0o644)


def _version() -> str:
    found = re.search(r"^version: (\S+)$", (HERE.parent / "pack.yaml").read_text(), re.M)
    return found[1] if found else "0.0.0"


def _environment() -> dict[str, str]:
    return {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC"}


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m host.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
