"""`python3 -m balancer.build DIRECTORY`: make the package cicd-traffic, with dpkg-deb alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb import service
from deb.tree import ROOT, Tree

HERE = Path(__file__).resolve().parent
HOME = "usr/lib/cicd-traffic"
CONFIG = "/etc/cicd/traffic.conf"
DEPENDS = "haproxy (>= 2.0), passwd, python3 (>= 3.8)"
DESCRIPTION = """Send each canary its share of HAProxy's requests
 Follows the shares that the local Consul agent has, keeps them in a map file
 of HAProxy and in the process that runs, and reports what is applied."""
# HAProxy refuses to start without a map that its configuration names, so the map stays until a purge, too.
CONFIGURE = """mkdir -p /var/lib/cicd-traffic
[ -e /var/lib/cicd-traffic/shares.map ] || : >/var/lib/cicd-traffic/shares.map
chown cicd-traffic:cicd-traffic /var/lib/cicd-traffic /var/lib/cicd-traffic/shares.map
deb-systemd-helper enable cicd-traffic.service >/dev/null || true
"""


def build(directory: Path) -> Path:
    """Write cicd-traffic_<version>_all.deb into *directory* and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-traffic")
        _fill(tree)
        return tree.build(directory, "all")


def _fill(tree: Tree) -> None:
    for package in (HERE, ROOT / "follow"):
        tree.modules(package, HOME)
    tree.put(f"{HOME}/pack.yaml", (ROOT / "pack.yaml").read_text())
    tree.put("usr/bin/cicd-traffic", service.program("cicd-traffic", "balancer"), 0o755)
    tree.put("usr/lib/systemd/system/cicd-traffic.service", (HERE / "cicd-traffic.service").read_text())
    tree.put(CONFIG[1:], (HERE / "traffic.conf").read_text())
    tree.compress("usr/share/man/man8/cicd-traffic.8.gz", (HERE / "cicd-traffic.8").read_text())
    tree.control("all", "net", DEPENDS, DESCRIPTION)
    tree.put("DEBIAN/conffiles", f"{CONFIG}\n")
    tree.scripts(**service.scripts("cicd-traffic", CONFIGURE))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m balancer.build DIRECTORY (needs dpkg-deb)")
    print(build(Path(sys.argv[1])))
