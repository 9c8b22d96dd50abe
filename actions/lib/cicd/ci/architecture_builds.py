"""The packages of a commit for each further architecture, built on a build host that carries its tag."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple, TypedDict

from cicd.ci.host_build import HostBuild
from cicd.clients.ssh import Shell
from cicd.errors import HostLost
from cicd.package import build
from cicd.package.build import Built
from cicd.package.build_hosts import Builders
from cicd.package.built import BuiltPackage
from cicd.package.provenance import StoredBuilder
from cicd.release.host import Host


class Elsewhere(TypedDict):
    """What other hosts built: their packages, which lie on the run's own host now, and who built them."""

    packages: List[BuiltPackage]
    builders: List[StoredBuilder]


@dataclass(frozen=True)
class ArchitectureBuilds:
    """The builds of *own*, which runs on *host*, for each architecture but that of *host*."""

    own: HostBuild
    host: Host

    def make(self) -> Elsewhere:
        """
        Build for each of them, one after the other, and bring the packages to *host*.

        A build host that is lost is replaced once by another that carries the tag.
        """
        meta = build.metadata_of(self.own.described["metadata"])
        found: Elsewhere = {"packages": [], "builders": []}
        for architecture in meta.other_architectures:
            built, packages = self._made(architecture)
            found["packages"] += packages
            found["builders"].append(built["builder"])
        return found

    def _made(self, architecture: str) -> Tuple[Built, List[BuiltPackage]]:
        try:
            return self._made_without(architecture, ())
        except HostLost as error:
            lost = str(error.details.get("host"))
            if lost == self.host.name:
                raise
            return self._made_without(architecture, (lost,))

    def _made_without(self, architecture: str, excluded: Sequence[str]) -> Tuple[Built, List[BuiltPackage]]:
        one = self.own.of_architecture(architecture)
        host = Builders(one.settings).take(one.run, one.commit, excluded, architecture)
        with one.packages(host) as built:
            return built, self._brought(architecture, host, [built, *built["others"]])

    def _brought(self, architecture: str, host: Host, packages: Sequence[BuiltPackage]) -> List[BuiltPackage]:
        """Copy the files of *packages* from *host* to the run's own, where they are published from."""
        folder = f"builds/{self.own.run}/out/.{architecture}"
        files = [path for one in packages for path in (one["file"], *one["rpms"])]
        with tempfile.TemporaryDirectory(prefix="cicd-") as directory:
            with Shell(self.own.settings, host) as shell:
                for path in files:
                    shell.download(path, str(Path(directory) / Path(path).name))
            with Shell(self.own.settings, self.host) as shell:
                shell.run(["mkdir", "-p", folder], 60)
                for path in files:
                    shell.upload(str(Path(directory) / Path(path).name), f"{folder}/{Path(path).name}")
        return [_at(one, folder) for one in packages]


def _at(package: BuiltPackage, folder: str) -> BuiltPackage:
    """Return *package* with its files in *folder*."""
    file, *rpms = (f"{folder}/{Path(path).name}" for path in (package["file"], *package["rpms"]))
    return {**package, "file": file, "rpms": rpms}
