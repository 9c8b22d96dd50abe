"""The files of a Debian package, and the package that is made of them."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

from deb.version import version

ROOT = Path(__file__).resolve().parents[1]
EPOCH = 1767225600  # any fixed time: the same tree gives the same bytes
MAINTAINER = "The cicd maintainers <maintainers@cicd.invalid>"
CHANGELOG = """{name} ({version}) stable; urgency=medium

  * See CHANGELOG.md of the pack of this version.

 -- {maintainer}  Thu, 01 Jan 2026 00:00:00 +0000
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 The cicd maintainers
License: Apache-2.0
 On Debian systems the whole license is in /usr/share/common-licenses/Apache-2.0.
"""


class Tree:
    """What the package *name* will have, in an empty *folder*; paths are a host's, without the first /."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._name = name
        told = {"name": name, "version": version(), "maintainer": MAINTAINER}
        self.compress(f"usr/share/doc/{name}/changelog.gz", CHANGELOG.format(**told))
        self.put(f"usr/share/doc/{name}/copyright", COPYRIGHT)

    def put(self, path: str, content: str, mode: int = 0o644) -> None:
        """Add the file *path*."""
        place = self._place(path)
        place.write_text(content)
        place.chmod(mode)

    def compress(self, path: str, content: str) -> None:
        """Add the file *path*, compressed."""
        place = self._place(path)
        place.write_bytes(gzip.compress(content.encode(), mtime=0))
        place.chmod(0o644)

    def control(self, architecture: str, section: str, depends: str, description: str) -> None:
        """Say what the package is; the lines of *description* after the first begin with a space."""
        fields = {
            "Package": self._name, "Version": version(), "Architecture": architecture,
            "Maintainer": MAINTAINER, "Section": section, "Priority": "optional", "Depends": depends,
            "Description": description,
        }  # fmt: skip
        self.put("DEBIAN/control", "".join(f"{name}: {value}\n" for name, value in fields.items()))

    def scripts(self, **texts: str) -> None:
        """Add maintainer scripts, by name."""
        for name, text in texts.items():
            self.put(f"DEBIAN/{name}", text, 0o755)

    def build(self, directory: Path, architecture: str) -> Path:
        """Write <name>_<version>_<architecture>.deb into *directory*, and return its path."""
        directory.mkdir(parents=True, exist_ok=True)
        package = directory / f"{self._name}_{version()}_{architecture}.deb"
        for path in (self.folder, *self.folder.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (EPOCH, EPOCH))
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(self.folder), str(package)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), "TZ": "UTC"}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        return package

    def _place(self, path: str) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
