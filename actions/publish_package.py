"""Step 11: put the package into the signed APT repository, and see it there as a client."""

from __future__ import annotations

from typing import Any

from cicd import identifiers
from cicd.action import RunStep
from cicd.ci.ci_gate import CiGate
from cicd.config import Settings
from cicd.package import build, built
from cicd.package import tree as trees
from cicd.package.built import BuiltPackage, Package
from cicd.package.provenance import StoredBuilder
from cicd.package.tree import StoredTree
from cicd.release.host import Host
from cicd.repository.publish import publish


class PublishPackage(RunStep):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        version: str,
        sha256: str,
        package: str,
        file: str,
        host: dict[str, str],
        rpms: list[str],
        others: list[BuiltPackage],
        tree: StoredTree,
        described: build.Described,
        builders: list[StoredBuilder],
        reproduced: str,
        user: str,
    ) -> dict[str, Any]:
        known = settings.project(project)
        trace = identifiers.trace_tag(known.repository, commit)
        first = Package(package, version, commit, trace, sha256, file, tuple(rpms))
        release = built.with_others(first, others)
        clearance = CiGate(settings).clearance(known, commit)
        making = build.making(known, commit, described, builders, reproduced)
        published = publish(settings, known, release, Host(**host), clearance, trees.parse(tree), making)
        return {
            **published,
            "version": version,
            "package": package,
            "sha256": sha256,
            "message": f"{' and '.join(dict.fromkeys(one.name for one in release.release))} {version} "
            f"{'are' if others else 'is'} published by {published['driver']}: {published['url']}",
        }
