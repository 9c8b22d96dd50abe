"""One more build of a commit, on a build host that keeps nothing of it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Iterator

from cicd.ci import made_tree
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import CicdError
from cicd.package import architectures, build
from cicd.package.build import Built, Described
from cicd.package.build_hosts import Builders
from cicd.release.host import Host


@dataclass(frozen=True)
class HostBuild:
    """
    The build of *commit* as *described*, called *run* where it is built.

    With an *architecture* it makes those packages alone that are for it, and not for all.
    """

    settings: Settings
    project: Project
    commit: str
    run: str
    described: Described
    architecture: str = ""

    def of_architecture(self, architecture: str) -> HostBuild:
        """Return the build of the same for *architecture*, which may be on the same host as this one."""
        meta = build.metadata_of(self.described["metadata"])
        described = architectures.of_architecture(self.described, meta, architecture)
        run = f"{self.run}-{architecture}"
        return HostBuild(self.settings, self.project, self.commit, run, described, architecture)

    @contextmanager
    def packages(self, host: Host) -> Iterator[Built]:
        """Let *host*, which was taken for this, build the packages; they lie there until the block ends."""
        try:
            yield self._built(host)
        finally:
            Builders(self.settings).give_back(self.run, host.name)
            with suppress(CicdError):
                build.clean(self.settings, host, self.run)

    def _built(self, host: Host) -> Built:
        where = (self.settings, host, self.run, self.project, self.commit)
        meta = build.metadata_of(self.described["metadata"])
        if meta.architectures:
            with Shell(self.settings, host) as shell:
                architectures.refuse_undeclared(shell, meta.architecture, self.settings.package.timeout)
        build.fetch_commit(*where)
        tree, _ = made_tree.make(*where, self.described)
        return build.PackageBuild(*where, self.described).alone(tree, self.architecture)
