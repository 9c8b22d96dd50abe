"""Step 10: build the package again on a second build host, and compare what came out."""

from __future__ import annotations

from typing import Any

from cicd import identifiers
from cicd.action import RunStep
from cicd.ci.host_build import HostBuild
from cicd.ci.second_build import SecondBuild
from cicd.config import Settings
from cicd.package import built
from cicd.package.build import Described
from cicd.package.built import BuiltPackage, Package
from cicd.package.provenance import StoredBuilder
from cicd.release.host import Host


class CompareBuilds(RunStep):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        run: str,
        host: dict[str, str],
        described: Described,
        version: str,
        sha256: str,
        package: str,
        file: str,
        others: list[BuiltPackage],
        builders: list[StoredBuilder],
    ) -> dict[str, Any]:
        known = settings.project(project)
        trace = identifiers.trace_tag(known.repository, commit)
        first = built.with_others(Package(package, version, commit, trace, sha256, file), others)
        own = HostBuild(settings, known, commit, run, described)
        verdict = SecondBuild(own, Host(**host), first, builders[1:]).verify()
        return {
            "reproduced": verdict.same,
            "said": verdict.said,
            "message": f"{package} {version}: {verdict.said}",
        }
