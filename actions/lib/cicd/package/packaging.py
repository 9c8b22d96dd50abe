"""The steps of a build, on any machine: bring the commit there, and make its package."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Mapping, Sequence, Tuple

from cicd import identifiers
from cicd.config import Project
from cicd.package import answers, builder_input
from cicd.package.builder_input import Origin
from cicd.package.contract import Machine
from cicd.package.metadata import Metadata


@dataclass(frozen=True)
class Run:
    """One build's folder, `builds/<name>`, on *machine*, where each step may take *seconds*."""

    machine: Machine
    name: str
    seconds: int

    def fetch(
        self, project: Project, commit: str, url: str, dead_after: int, secrets: Sequence[str] = ("", "")
    ) -> None:
        """
        Bring exactly *commit* of *project* from *url* there.

        *secrets* are the files of a deploy key and a token on the machine. What other runs left there is
        swept away when it is older than *dead_after* seconds.
        """
        arguments = [
            identifiers.check("run", self.name),
            project.name,
            url,
            identifiers.check("commit", commit),
        ]
        arguments += [str(dead_after), *secrets, project.directory]
        self.machine.script("fetch_commit", arguments, self.seconds)

    def package(
        self,
        meta: Metadata,
        version: str,
        origin: Origin,
        driver: str,
        formats: Tuple[str, ...] = ("deb",),
        lintian: str = "off",
        digest: str = "",
    ) -> dict[str, str]:
        """
        Make the package and return what the script said of it.

        *digest* is that of a tree made before; empty, the commit's own is packaged. The *driver* `none` lays
        the package's files out below `stage`, and makes none.
        """
        files = builder_input.files(meta, version, origin)
        self.machine.put(request(files), f"builds/{self.name}/request")
        arguments = [identifiers.check("run", self.name), driver, " ".join(formats), meta.prefix]
        arguments += [str(origin.time), identifiers.check("version", version), origin.commit, lintian, digest]
        return answers.pairs(self.machine.script("build_package", arguments, self.seconds))


def request(files: Mapping[str, str]) -> str:
    """Many small files as one, so that they cost one transfer."""
    return "".join(f"{name} {base64.b64encode(text.encode()).decode()}\n" for name, text in files.items())
