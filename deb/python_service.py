"""A package of a service of ours in Python, with its locked libraries in it if it has any."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deb import libraries, service
from deb.tree import ROOT, Tree

# It starts once its configuration can be used: a first install has no secrets yet.
CHECKED = """chgrp {name} {folder}
chmod 750 {folder}
deb-systemd-helper enable {name}.service >/dev/null || true
if ! wrong=$({name} --config {config} --check 2>&1); then
    echo "{name} is not started: $wrong" >&2
    echo "Correct that, then run: systemctl start {name}" >&2
    exit 0
fi
"""


def checked(name: str, config: str) -> str:
    """Return the lines that leave the service *name* off as long as *config* cannot be used."""
    return CHECKED.format(name=name, folder=Path(config).parent, config=config)


@dataclass(frozen=True)
class PythonService:
    """
    The Debian package *name* of the Python package *module*, whose libraries locks/<module>.txt names.

    *files* are patterns below the repository of what runs; `build.py` never does. *config* is where its file
    *sample* comes to on a host, and *configure* what is done before it starts. *depends* is for one without
    libraries. `user` makes its user; root needs none.
    """

    name: str
    module: str
    description: str
    files: tuple[str, ...]
    config: str
    sample: str
    configure: str
    depends: str = ""
    user: str = service.USER

    def build(self, directory: Path) -> Path:
        """Write <name>_<version>_<architecture>.deb, for this Python and machine, and return its path."""
        architecture = "all" if self.depends else libraries.architecture()
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(Path(folder), self.name)
            self._add_program(tree)
            self._add_configuration(tree)
            self._add_documents(tree)
            tree.control(architecture, "net", self.depends or libraries.depends(), self.description)
            return tree.build(directory, architecture)

    def main(self) -> None:
        """Build the package in the directory that the command line names, and print its path."""
        if len(sys.argv) != 2 or not shutil.which("dpkg-deb"):
            needs = "dpkg-deb" if self.depends else "dpkg-deb and pip"
            sys.exit(f"usage: python3 -m {self.module}.build DIRECTORY (needs {needs})")
        print(self.build(Path(sys.argv[1])))

    @property
    def _here(self) -> Path:
        return ROOT / self.module

    def _add_program(self, tree: Tree) -> None:
        home = f"usr/lib/{self.name}"
        if not self.depends:
            libraries.install(self.module, tree.folder / home)
            overrides = libraries.OVERRIDES.format(name=self.name)
            tree.put(f"usr/share/lintian/overrides/{self.name}", overrides)
        for path in (found for pattern in self.files for found in sorted(ROOT.glob(pattern))):
            if path.name != "build.py":
                tree.put(f"{home}/{path.relative_to(ROOT)}", path.read_text("utf-8"))
        tree.put(f"usr/bin/{self.name}", service.program(self.name, self.module), 0o755)

    def _add_configuration(self, tree: Tree) -> None:
        unit = f"{self.name}.service"
        tree.put(f"usr/lib/systemd/system/{unit}", (self._here / unit).read_text())
        tree.put(self.config[1:], (self._here / self.sample).read_text())
        tree.put("DEBIAN/conffiles", f"{self.config}\n")
        tree.scripts(**service.scripts(self.name, self.configure, self.user))

    def _add_documents(self, tree: Tree) -> None:
        manual = self._here / f"{self.name}.8"
        if manual.exists():
            tree.compress(f"usr/share/man/man8/{manual.name}.gz", manual.read_text())
        for example in sorted(self._here.glob("examples/*")):
            tree.put(f"usr/share/doc/{self.name}/examples/{example.name}", example.read_text())
