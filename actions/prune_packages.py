"""Remove the published versions of a project, or of all of them, that nobody needs any more."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.release.record import EVERYTHING
from cicd.repository.prune import AllPruned, prune, prune_all


class PrunePackages(CicdAction):
    def act(self, settings: Settings, project: str, dry_run: bool) -> dict[str, Any]:
        if project == EVERYTHING:
            everything = prune_all(settings, dry_run)
            return {**everything, "message": _removed(project, everything, dry_run)}
        done = prune(settings, settings.project(project), dry_run)
        return {**done, "message": f"{_removed(project, done, dry_run)}, {len(done['kept'])} kept"}


def _removed(project: str, done: AllPruned, dry_run: bool) -> str:
    return f"{project}: {len(done['removed'])} versions {'would be ' if dry_run else ''}removed"
