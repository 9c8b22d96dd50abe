"""`python3 -m gateway.build DIRECTORY`: make the package cicd-gateway, with the locked libraries in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb import libraries, service
from deb.tree import Tree

HERE = Path(__file__).resolve().parent
HOME = "usr/lib/cicd-gateway"
DESCRIPTION = """Receive webhooks in front of StackStorm
 Verifies GitHub's signature and the tokens of Jenkins and of monitoring, keeps
 each event before it is acknowledged, and forwards what is checked, once."""
CONFIG = "/etc/cicd/gateway/gateway.yaml"
# It starts once its configuration can be used: a first install has no secrets yet.
# Events that wait for StackStorm stay until a purge.
CONFIGURE = f"""chgrp cicd-gateway /etc/cicd/gateway
chmod 750 /etc/cicd/gateway
deb-systemd-helper enable cicd-gateway.service >/dev/null || true
if ! wrong=$(cicd-gateway --config {CONFIG} --check 2>&1); then
    echo "cicd-gateway is not started: $wrong" >&2
    echo "Correct that, then run: systemctl start cicd-gateway" >&2
    exit 0
fi
"""


def build(directory: Path) -> Path:
    """Write cicd-gateway_<version>_<architecture>.deb, for this Python and machine, and return its path."""
    architecture = libraries.architecture()
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), "cicd-gateway")
        _fill(tree)
        tree.control(architecture, "net", libraries.depends(), DESCRIPTION)
        return tree.build(directory, architecture)


def _fill(tree: Tree) -> None:
    libraries.install("gateway", tree.folder / HOME)
    for module in sorted(HERE.rglob("*.py")):
        if module.name != "build.py":
            tree.put(f"{HOME}/gateway/{module.relative_to(HERE)}", module.read_text())
    tree.put("usr/bin/cicd-gateway", service.program("cicd-gateway", "gateway"), 0o755)
    tree.put("usr/lib/systemd/system/cicd-gateway.service", (HERE / "cicd-gateway.service").read_text())
    tree.put(CONFIG[1:], (HERE / "gateway.yaml.example").read_text())
    tree.put("usr/share/lintian/overrides/cicd-gateway", libraries.OVERRIDES.format(name="cicd-gateway"))
    tree.put("DEBIAN/conffiles", f"{CONFIG}\n")
    tree.scripts(**service.scripts("cicd-gateway", CONFIGURE))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m gateway.build DIRECTORY (needs dpkg-deb and pip)")
    print(build(Path(sys.argv[1])))
