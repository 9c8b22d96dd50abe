"""`python3 -m status.build DIRECTORY`: make the package cicd-status, with the locked libraries in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb import libraries, service
from deb.tree import ROOT, Tree

HERE = Path(__file__).resolve().parent
HOME = "usr/lib/cicd-status"
DESCRIPTION = """Show what runs where
 A page that follows Consul: the version of each ring, hosts that are not
 healthy, how far each commit came, and what to do next. It changes nothing,
 and answers JSON, badges and figures for Prometheus as well."""
CONFIG = "/etc/cicd/status/status.yaml"
# Parts of the pack that the page reads with, in the places where they look for each other.
PARTS = ("actions/lib/cicd/**/*.py", "config.schema.yaml", "gateway/__init__.py", "gateway/told.py")
# It starts once its configuration can be used: a first install has no token yet.
CONFIGURE = f"""chgrp cicd-status /etc/cicd/status
chmod 750 /etc/cicd/status
deb-systemd-helper enable cicd-status.service >/dev/null || true
if ! wrong=$(cicd-status --config {CONFIG} --check 2>&1); then
    echo "cicd-status is not started: $wrong" >&2
    echo "Correct that, then run: systemctl start cicd-status" >&2
    exit 0
fi
"""


def build(directory: Path) -> Path:
    """Write cicd-status_<version>_<architecture>.deb, for this Python and machine, and return its path."""
    architecture = libraries.architecture()
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-status")
        _fill(tree)
        tree.control(architecture, "net", libraries.depends(), DESCRIPTION)
        return tree.build(directory, architecture)


def _fill(tree: Tree) -> None:
    libraries.install("status", tree.folder / HOME)
    own = [path for path in sorted(HERE.rglob("*")) if path.suffix in (".py", ".html", ".css", ".js")]
    for path in [*own, *(found for part in PARTS for found in sorted(ROOT.glob(part)))]:
        if path.name != "build.py":
            tree.put(f"{HOME}/{path.relative_to(ROOT)}", path.read_text("utf-8"))
    tree.put("usr/bin/cicd-status", service.program("cicd-status", "status"), 0o755)
    tree.put("usr/lib/systemd/system/cicd-status.service", (HERE / "cicd-status.service").read_text())
    tree.put(CONFIG[1:], (HERE / "status.yaml.example").read_text())
    tree.compress("usr/share/man/man8/cicd-status.8.gz", (HERE / "cicd-status.8").read_text())
    tree.put("usr/share/lintian/overrides/cicd-status", libraries.OVERRIDES.format(name="cicd-status"))
    tree.put("DEBIAN/conffiles", f"{CONFIG}\n")
    tree.scripts(**service.scripts("cicd-status", CONFIGURE))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m status.build DIRECTORY (needs dpkg-deb and pip)")
    print(build(Path(sys.argv[1])))
