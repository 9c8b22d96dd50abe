"""`python3 -m balancer.build DIRECTORY`: make the package cicd-traffic, with dpkg-deb alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb.tree import Tree, version

HERE = Path(__file__).resolve().parent
HOME = "usr/lib/cicd-traffic"
CONFIG = "/etc/cicd/traffic.conf"
DEPENDS = "haproxy (>= 2.0), passwd, python3 (>= 3.8)"
DESCRIPTION = """Send each canary its share of HAProxy's requests
 Follows the shares that the local Consul agent has, keeps them in a map file
 of HAProxy and in the process that runs, and reports what is applied."""
# -I: neither the environment nor the working directory says what is imported.
PROGRAM = """#!/usr/bin/python3 -I
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib/cicd-traffic"))
from balancer.__main__ import main

sys.exit(main())
"""
# HAProxy refuses to start without a map that its configuration names.
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
getent passwd cicd-traffic >/dev/null ||
    useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin cicd-traffic
mkdir -p /var/lib/cicd-traffic
[ -e /var/lib/cicd-traffic/shares.map ] || : >/var/lib/cicd-traffic/shares.map
chown cicd-traffic:cicd-traffic /var/lib/cicd-traffic /var/lib/cicd-traffic/shares.map
deb-systemd-helper enable cicd-traffic.service >/dev/null || true
[ -d /run/systemd/system ] || exit 0
systemctl --system daemon-reload >/dev/null || true
deb-systemd-invoke restart cicd-traffic.service >/dev/null || true
"""
PRERM = """#!/bin/sh
set -e
[ "$1" = remove ] && [ -d /run/systemd/system ] || exit 0
deb-systemd-invoke stop cicd-traffic.service >/dev/null || true
"""
# HAProxy's configuration may name the map still: it stays until a purge.
POSTRM = """#!/bin/sh
set -e
case "$1" in remove | purge) ;; *) exit 0 ;; esac
! command -v deb-systemd-helper >/dev/null || deb-systemd-helper "$1" cicd-traffic.service >/dev/null || true
[ "$1" != purge ] || rm -rf /var/lib/cicd-traffic
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true
"""


def build(directory: Path) -> Path:
    """Write cicd-traffic_<version>_all.deb into *directory* and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-traffic")
        _fill(tree)
        return tree.build(directory, "all")


def _fill(tree: Tree) -> None:
    for module in sorted(HERE.glob("*.py")):
        if module.name not in ("build.py", "version.py"):
            tree.put(f"{HOME}/balancer/{module.name}", module.read_text())
    own = (HERE / "version.py").read_text().replace('"0"', f'"{version()}"')
    tree.put(f"{HOME}/balancer/version.py", own)
    tree.put("usr/bin/cicd-traffic", PROGRAM, 0o755)
    tree.put("usr/lib/systemd/system/cicd-traffic.service", (HERE / "cicd-traffic.service").read_text())
    tree.put(CONFIG[1:], (HERE / "traffic.conf").read_text())
    tree.compress("usr/share/man/man8/cicd-traffic.8.gz", (HERE / "cicd-traffic.8").read_text())
    tree.control("all", "net", DEPENDS, DESCRIPTION)
    tree.put("DEBIAN/conffiles", f"{CONFIG}\n")
    tree.scripts(postinst=POSTINST, prerm=PRERM, postrm=POSTRM)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m balancer.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
