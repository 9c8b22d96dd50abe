"""`python3 -m render.build DIRECTORY`: make the package cicd-render, with the locked libraries in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from deb import libraries, service
from deb.tree import ROOT, Tree

HERE = Path(__file__).resolve().parent
NAME = "cicd-render"
HOME = f"usr/lib/{NAME}"
CONFIG = "/etc/cicd/render.conf"
DESCRIPTION = """Make files of this host from what Consul knows
 Renders templates with the services, nodes and keys of the local Consul agent,
 lets a command check each file before it takes its place, applies and reports
 it. Brings a template for HAProxy in front of all projects."""
CONFIGURE = f"""mkdir -p /etc/cicd/render.d
deb-systemd-helper enable {NAME}.service >/dev/null || true
"""


def build(directory: Path) -> Path:
    """Write cicd-render_<version>_<architecture>.deb, for this Python and machine, and return its path."""
    architecture = libraries.architecture()
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder), NAME)
        _fill(tree)
        tree.control(architecture, "net", libraries.depends(), DESCRIPTION)
        return tree.build(directory, architecture)


def _fill(tree: Tree) -> None:
    libraries.install("render", tree.folder / HOME)
    for package in (HERE, ROOT / "follow"):
        tree.modules(package, HOME)
    tree.put(f"{HOME}/pack.yaml", (ROOT / "pack.yaml").read_text())
    for template in sorted((HERE / "templates").iterdir()):
        tree.put(f"{HOME}/render/templates/{template.name}", template.read_text())
    for example in sorted((HERE / "examples").iterdir()):
        tree.put(f"usr/share/doc/{NAME}/examples/{example.name}", example.read_text())
    tree.put(f"usr/bin/{NAME}", service.program(NAME, "render"), 0o755)
    tree.put(f"usr/lib/systemd/system/{NAME}.service", (HERE / f"{NAME}.service").read_text())
    tree.put(CONFIG[1:], (HERE / "render.conf").read_text())
    tree.compress(f"usr/share/man/man8/{NAME}.8.gz", (HERE / f"{NAME}.8").read_text())
    tree.put(f"usr/share/lintian/overrides/{NAME}", libraries.OVERRIDES.format(name=NAME))
    tree.put("DEBIAN/conffiles", f"{CONFIG}\n")
    tree.scripts(**service.scripts(NAME, CONFIGURE, user=""))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
        sys.exit("usage: python3 -m render.build DIRECTORY (needs dpkg-deb and pip)")
    print(build(Path(sys.argv[1])))
