"""Remove the published versions of a project, or of all of them, that nobody needs any more."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.release.record import EVERYTHING
from cicd.repository.prune import prune, prune_all


class PrunePackages(CicdAction):
    def act(self, settings: Settings, project: str, dry_run: bool) -> dict[str, Any]:
        if project == EVERYTHING:
            done = prune_all(settings, dry_run)
        else:
            done = prune(settings, settings.project(project), dry_run)
        message = f"{project}: {len(done['removed'])} versions {'would be ' if dry_run else ''}removed"
        kept = f", {len(done['kept'])} kept" if "kept" in done else ""
        return {**done, "message": message + kept}
