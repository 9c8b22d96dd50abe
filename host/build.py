"""`python3 -m host.build DIRECTORY`: make the package cicd-converge, with dpkg-deb alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb.tree import Tree
from deb.version import version

HERE = Path(__file__).resolve().parent
# The program is one file, so that an upgrade replaces all of it at once.
PARTS = (
    "head",
    "report",
    "consul",
    "wanted",
    "health",
    "turns",
    "traffic",
    "packages",
    "others",
    "content",
    "pin",
    "trust",
    "provenance",
    "plan",
    "watch",
    "run",
)
# Both packages of a rollback may be older ones: the host keeps their hooks itself, as a newer preinst does.
HOOKS = HERE.parent / "actions" / "lib" / "cicd" / "package" / "maintainer"
SUDOERS = "cicd ALL=(root) NOPASSWD: /usr/bin/cicd-converge\n"
DEPENDS = "apt, curl, gpgv, jq, sudo"
DESCRIPTION = """Bring a host to the version that its ring is wanted to run
 Reads the wanted version from the local Consul agent, drains the host, installs
 exactly that version, proves its health and puts the host back into traffic."""
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
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-converge")
        _fill(tree)
        return tree.build(directory, "all")


def script() -> str:
    """Return the program cicd-converge: its parts in order, with the version it reports."""
    files = [HERE / "converge" / f"{part}.sh" for part in PARTS]
    files[1:1] = [HOOKS / "run.sh", HOOKS / "old_hooks.sh"]
    text = "".join(file.read_text() for file in files)
    return text.replace("@VERSION@", version(), 1)


def _fill(tree: Tree) -> None:
    tree.put("usr/bin/cicd-converge", script(), 0o755)
    for unit in sorted((HERE / "units").iterdir()):
        tree.put(f"usr/lib/systemd/system/{unit.name}", unit.read_text())
    tree.put("etc/cicd/converge.conf", (HERE / "converge.conf").read_text())
    tree.put("etc/sudoers.d/cicd-converge", SUDOERS, 0o440)
    (tree.folder / "etc/cicd/projects").mkdir()
    tree.compress("usr/share/man/man8/cicd-converge.8.gz", (HERE / "cicd-converge.8").read_text())
    tree.control("all", "admin", DEPENDS, DESCRIPTION)
    tree.put("DEBIAN/conffiles", "/etc/cicd/converge.conf\n/etc/sudoers.d/cicd-converge\n")
    tree.scripts(postinst=POSTINST, prerm=PRERM, postrm=POSTRM)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m host.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
