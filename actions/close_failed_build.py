"""Read from the CI server why a build did not succeed, and close its run."""

from __future__ import annotations

import time
from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.ci import progress
from cicd.ci.builds import CANCELLED, LOST, OVERDUE, Builds
from cicd.clients.stackstorm import own_execution
from cicd.config import Settings
from cicd.errors import CiError
from cicd.release import stop
from cicd.store.store import Store

WORDS = {
    CANCELLED: "was cancelled while it waited in the queue",
    LOST: "is no longer known to its CI server, neither queued nor built",
    OVERDUE: "took longer than its limit and was stopped",
}


class CloseFailedBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str) -> dict[str, Any]:
        builds = Builds.of(settings, project)
        server, found = builds.server, builds.project
        seen, following = builds.failed(identifiers.check("commit", commit))
        url = server.page(found, seen.number)
        more = server.console_page(found, seen.number) if seen.number else url
        said = WORDS.get(seen.status, f"is {seen.status}")
        console = server.console_tail(found, seen.number) if seen.number else ""
        why = f"{builds.label(seen.number)} {said}."
        failed = CiError(why, f"Correct it and push a commit; see {url}", log=console)
        ended = stop.of(progress.CI, failed, own_execution(), time.time())
        progress.stopped(Store(settings), project, commit, ended)
        return {
            "status": seen.status,
            "seconds": seen.result.seconds if seen.result else 0.0,
            "console": console,
            "url": url,
            "next": following,
            "message": f"{project} {commit[:7]} did not pass CI: {builds.label(seen.number)} {said}. "
            f"Nothing was packaged; see {more}",
        }
