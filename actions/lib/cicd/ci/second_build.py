"""The package of a commit, built again on a second build host and compared with the first one."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Iterator

from cicd.ci import made_tree
from cicd.ci.ci_gate import CiGate
from cicd.ci.run import SAME_BYTES
from cicd.ci.runs import Runs
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import CicdError, Refused
from cicd.package import build, differences
from cicd.package.build import Described
from cicd.package.build_hosts import Builders
from cicd.package.built import BuiltPackage, Package
from cicd.package.differences import Entry
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
    """The *package* of *commit*, which *run* built on the host *first* as *described*."""

    settings: Settings
    project: Project
    commit: str
    run: str
    first: Host
    described: Described
    package: Package

    def verify(self) -> Verdict:
        """
        Build it again, record what came of it in the commit's run, and return it.

        What is not the same is Refused where the configuration says `refuse`, also when there is no second
        host or its build fails; otherwise it is reported.
        """
        verdict = self._verdict()
        Runs(Builders(self.settings), self.project.name).update(
            self.commit, lambda known: replace(known, reproduced=verdict.said)
        )
        if not verdict.same and self.settings.verify_reproducible(self.project) == REFUSE:
            raise Refused(
                f"{self.package.name} {self.package.version} of {self.project.name} is {verdict.said}.",
                "Let every host build the same bytes (docs/project.md says how), then push again; or set "
                "`verify_reproducible` to report.",
            )
        return verdict

    def _verdict(self) -> Verdict:
        try:
            with self._second_host() as second:
                return self._compared(second)
        except CicdError as error:
            return Verdict(False, f"not verified: {one_line(error.message, 600).rstrip('.')}")

    @contextmanager
    def _second_host(self) -> Iterator[Host]:
        """Take another healthy build host, and leave it clean."""
        builders = Builders(self.settings)
        host = builders.take_another(self.run, self.commit, self.first.name)
        try:
            yield host
        finally:
            builders.give_back(self.run, host.name)
            with suppress(CicdError):
                build.clean(self.settings, host, self.run)

    def _compared(self, second: Host) -> Verdict:
        where = (self.settings, second, self.run, self.project, self.commit)
        build.fetch_commit(*where)
        tree, _ = made_tree.make(*where, self.described)
        clearance = CiGate(self.settings).clearance(self.project, self.commit)
        again = build.build_package(*where, self.described, clearance, tree)
        pairs = list(zip(self.package.release, [again, *again["others"]]))
        found = [line for one, other in pairs for line in self._differences(one, other, second)]
        if not found:
            return Verdict(True, f"{SAME_BYTES} on {second.name}")
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        named = f"{one_line(', '.join(found[:SHOWN]), 600)}{more}"
        return Verdict(
            False, f"not reproducible: {second.name} built other bytes than {self.first.name}: {named}"
        )

    def _differences(self, one: Package, other: BuiltPackage, second: Host) -> list[str]:
        if one.sha256 == other["sha256"]:
            return []
        entries = self._entries(self.first, one.file), self._entries(second, other["file"])
        names = (self.first.name, second.name)
        return list(differences.between(*entries, names)) or [f"{one.name}: {NOTHING_INSIDE}"]

    def _entries(self, host: Host, file: str) -> dict[str, Entry]:
        arguments = [self.run, file.rpartition("/out/")[2]]
        with Shell(self.settings, host) as shell:
            return differences.parsed(shell.script("list_package", arguments, self.settings.package.timeout))
