"""Step 10: build the package with FPM or nfpm."""

from __future__ import annotations

from typing import Any

from cicd.action import RunStep
from cicd.ci.ci_gate import CiGate
from cicd.config import Settings
from cicd.package import build
from cicd.package import tree as trees
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
        user: str,
    ) -> dict[str, Any]:
        known, there = settings.project(project), Host(**host)
        cleared = CiGate(settings).clearance(known, commit)
        of = trees.parse(tree)
        built = build.build_package(settings, there, run, known, commit, described, cleared, of)
        said = f"{built['package']} {built['version']}: {built['bytes']} bytes by {built['driver']}"
        errors = len(built["lintian"])
        said += f", lintian names {errors} errors" if errors else ""
        verify = settings.verify_reproducible(known)
        return {**built, "verify": verify, "message": f"{said}; on {host['name']}"}
