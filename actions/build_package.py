"""Step 10: build the package with FPM or nfpm."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci.ci_gate import CiGate
from cicd.config import Settings
from cicd.package import build
from cicd.package import tree as trees
from cicd.package.built import BuiltPackage
from cicd.package.provenance import StoredBuilder
from cicd.package.tree import StoredTree
from cicd.release.host import Host


class BuildPackage(RunStep):
    def act(
        self,
        settings: Settings,
        project: str,
        commit: str,
        run: str,
        host: dict[str, str],
        described: build.Described,
        tree: StoredTree,
        elsewhere: list[BuiltPackage],
        builders: list[StoredBuilder],
        user: str,
    ) -> dict[str, Any]:
        known, there = settings.project(project), Host(**host)
        CiGate(settings).clearance(known, commit)
        of_commit = build.PackageBuild(settings, there, run, known, commit, described)
        built = of_commit.packages(trees.parse(tree), elsewhere)
        packages = [built, *built["others"], *elsewhere]
        names = " and ".join(dict.fromkeys(one["package"] for one in packages))
        size, errors = (sum(one["bytes"] for one in packages), sum(len(one["lintian"]) for one in packages))
        said = f"{names} {built['version']}: {size} bytes by {built['driver']}"
        said += f", lintian names {errors} errors" if errors else ""
        verify = settings.verify_reproducible(known)
        makers = [built["builder"], *builders]
        return {
            **built,
            "others": packages[1:],
            "builders": makers,
            "verify": verify,
            "message": f"{said}; on {' and '.join(dict.fromkeys(one['host'] for one in makers))}",
        }
