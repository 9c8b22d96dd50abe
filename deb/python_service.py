"""A package of a service of ours in Python, with its locked libraries in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deb import libraries, service
from deb.tree import ROOT, Tree

# It starts once its configuration can be used: a first install has no secrets yet.
CONFIGURE = """chgrp {name} {folder}
chmod 750 {folder}
deb-systemd-helper enable {name}.service >/dev/null || true
if ! wrong=$({name} --config {config} --check 2>&1); then
    echo "{name} is not started: $wrong" >&2
    echo "Correct that, then run: systemctl start {name}" >&2
    exit 0
fi
"""


@dataclass(frozen=True)
class PythonService:
    """
    The Debian package cicd-<folder> of the code in <folder>, whose libraries locks/<folder>.txt names.

    *files* are patterns below the repository of what runs; `build.py` never does.
    """

    folder: str
    description: str
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"cicd-{self.folder}"

    @property
    def config(self) -> str:
        return f"/etc/cicd/{self.folder}/{self.folder}.yaml"

    def build(self, directory: Path) -> Path:
        """Write <name>_<version>_<architecture>.deb, for this Python and machine, and return its path."""
        architecture = libraries.architecture()
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(Path(folder), self.name)
            self._add_program(tree)
            self._add_configuration(tree)
            tree.control(architecture, "net", libraries.depends(), self.description)
            return tree.build(directory, architecture)

    def main(self) -> None:
        """Build the package in the directory that the command line names, and print its path."""
        if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
            sys.exit(f"usage: python3 -m {self.folder}.build DIRECTORY (needs dpkg-deb and pip)")
        print(self.build(Path(sys.argv[1])))

    def _add_program(self, tree: Tree) -> None:
        home = f"usr/lib/{self.name}"
        libraries.install(self.folder, tree.folder / home)
        for path in (found for pattern in self.files for found in sorted(ROOT.glob(pattern))):
            if path.name != "build.py":
                tree.put(f"{home}/{path.relative_to(ROOT)}", path.read_text("utf-8"))
        tree.put(f"usr/bin/{self.name}", service.program(self.name, self.folder), 0o755)
        overrides = libraries.OVERRIDES.format(name=self.name)
        tree.put(f"usr/share/lintian/overrides/{self.name}", overrides)

    def _add_configuration(self, tree: Tree) -> None:
        here, unit, manual = ROOT / self.folder, f"{self.name}.service", f"{self.name}.8"
        tree.put(f"usr/lib/systemd/system/{unit}", (here / unit).read_text())
        tree.put(self.config[1:], (here / f"{self.folder}.yaml.example").read_text())
        if (here / manual).exists():
            tree.compress(f"usr/share/man/man8/{manual}.gz", (here / manual).read_text())
        tree.put("DEBIAN/conffiles", f"{self.config}\n")
        place = str(Path(self.config).parent)
        configure = CONFIGURE.format(name=self.name, folder=place, config=self.config)
        tree.scripts(**service.scripts(self.name, configure))
