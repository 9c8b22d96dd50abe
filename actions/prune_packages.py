"""Remove the published versions of a project that nobody needs any more."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.prune import prune


class PrunePackages(CicdAction):
    def act(self, settings: Settings, project: str, dry_run: bool) -> dict[str, Any]:
        done = prune(settings, settings.project(project), dry_run)
        verb = "would be removed" if dry_run else "removed"
        message = f"{project}: {len(done['removed'])} versions {verb}, {len(done['kept'])} kept"
        return {**done, "message": message}
