"""Packages for tests, and a repository that the real aptly publishes of them."""

import json
import subprocess
from pathlib import Path

CONTROL = """Package: tool
Version: {version}
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: {words}
"""


def build(folder: Path, name: str, version: str, words: str) -> Path:
    """Build the package `tool` as the file *name* in *folder*; other *words* make other bytes."""
    tree = folder / "tree" / "DEBIAN"
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "control").write_text(CONTROL.format(version=version, words=words))
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree.parent), str(folder / name))
    return folder / name


class Repository:
    """What aptly keeps in *folder*, and publishes as `bookworm`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "aptly.conf"
        folder.mkdir()
        settings = {"rootDir": str(folder / "aptly"), "architectures": ["amd64"]}
        self.settings.write_text(json.dumps(settings))
        self._aptly("repo", "create", "-distribution=bookworm", "-component=main", "cicd")

    @property
    def indexes(self) -> Path:
        return self.folder / "aptly/public/dists/bookworm/main"

    def publish(self, package: Path) -> None:
        """Take *package* in, and publish it without a signature."""
        self._aptly("repo", "add", "cicd", str(package))
        self._aptly("publish", "repo", "-batch", "-skip-signing", "-architectures=amd64", "cicd")

    def packages(self) -> str:
        """Return what is in the repository, with its checksum."""
        return self._aptly("repo", "search", "-format={{.Package}} {{.Version}} {{.SHA256}}", "cicd")

    def _aptly(self, *words: str) -> str:
        return run("aptly", f"-config={self.settings}", *words)


def run(*argv: str) -> str:
    """Return what *argv* says, which is nothing wrong."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
