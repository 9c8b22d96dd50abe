"""The package of a commit, built again on a second build host and compared with the first one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

from cicd.ci.host_build import HostBuild
from cicd.ci.run import SAME_BYTES
from cicd.ci.runs import Runs
from cicd.clients.ssh import Shell
from cicd.errors import CicdError, Refused
from cicd.package import differences
from cicd.package.build import metadata_of
from cicd.package.build_hosts import Builders
from cicd.package.built import BuiltPackage, Package
from cicd.package.differences import Entry
from cicd.package.provenance import StoredBuilder
from cicd.release.host import Host
from cicd.sanitize import one_line

REFUSE = "refuse"
SHOWN = 10
NOTHING_INSIDE = "the archive itself (owners, order or compression)"


@dataclass(frozen=True)
class Verdict:
    """Whether a second host built the same bytes, and a sentence's end that says so, for people."""

    same: bool
    said: str


@dataclass(frozen=True)
class SecondBuild:
    """The *package*, and its release, of *commit*, which *own* built on *first*, and *others* elsewhere."""

    own: HostBuild
    first: Host
    package: Package
    others: Sequence[StoredBuilder] = ()

    def verify(self) -> Verdict:
        """
        Build it again, record what came of it in the commit's run, and return it.

        What is not the same is Refused where the configuration says `refuse`, also when there is no second
        host or its build fails; otherwise it is reported.
        """
        settings, project = self.own.settings, self.own.project
        verdict = self._verdict()
        Runs(Builders(settings), project.name).update(
            self.own.commit, lambda known: replace(known, reproduced=verdict.said)
        )
        if not verdict.same and settings.verify_reproducible(project) == REFUSE:
            raise Refused(
                f"{self.package.name} {self.package.version} of {project.name} is {verdict.said}.",
                "Let every host build the same bytes (docs/project.md says how), then push again; or set "
                "`verify_reproducible` to report.",
            )
        return verdict

    def _verdict(self) -> Verdict:
        builds = [(self.own, self.first.name)]
        builds += [(self.own.of_architecture(one["architecture"]), one["host"]) for one in self.others]
        try:
            compared = [self._compared(build, first) for build, first in builds]
        except CicdError as error:
            return Verdict(False, f"not verified: {one_line(error.message, 600).rstrip('.')}")
        found = [line for _, lines in compared for line in lines]
        seconds = " and ".join(dict.fromkeys(host for host, _ in compared))
        if not found:
            return Verdict(True, f"{SAME_BYTES} on {seconds}")
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        named = f"{one_line(', '.join(found[:SHOWN]), 600)}{more}"
        firsts = " and ".join(dict.fromkeys(first for _, first in builds))
        return Verdict(False, f"not reproducible: {seconds} built other bytes than {firsts}: {named}")

    def _compared(self, build: HostBuild, first: str) -> Tuple[str, List[str]]:
        """Let another host than *first* do *build*; return its name, and how what it built differs."""
        meta = metadata_of(build.described["metadata"])
        architecture = meta.architecture if meta.architectures else ""
        second = Builders(build.settings).take_another(build.run, build.commit, first, architecture)
        with build.packages(second) as again:
            made = {_name(one["file"]): one for one in (again, *again["others"])}
            pairs = [(one, made[_name(one.file)]) for one in self.package.release if _name(one.file) in made]
            found = (self._differences(one, other, build, second, first) for one, other in pairs)
            return second.name, [line for lines in found for line in lines]

    def _differences(
        self, one: Package, other: BuiltPackage, build: HostBuild, second: Host, first: str
    ) -> List[str]:
        if one.sha256 == other["sha256"]:
            return []
        entries = self._entries(self.own, self.first, one.file), self._entries(build, second, other["file"])
        return list(differences.between(*entries, (first, second.name))) or [f"{one.name}: {NOTHING_INSIDE}"]

    def _entries(self, build: HostBuild, host: Host, file: str) -> Dict[str, Entry]:
        arguments = [build.run, file.rpartition("/out/")[2]]
        seconds = build.settings.package.timeout
        with Shell(build.settings, host) as shell:
            return differences.parsed(shell.script("list_package", arguments, seconds))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
