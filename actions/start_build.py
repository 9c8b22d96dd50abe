"""Step 3: start the project's Jenkins job for one commit."""

from __future__ import annotations

import time
from typing import Any

from cicd import fields
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.errors import CicdError
from cicd.jenkins import Jenkins


class StartBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str) -> dict[str, Any]:
        found, store = settings.project(project), Store(settings)
        parameters = {
            "PROJECT": found.name,
            "COMMIT": fields.check("commit", commit),
            "BRANCH": found.branch,
            "REPOSITORY": settings.clone_url(found),
            "TRACE": fields.trace_tag(found.repository, commit),
        }
        try:
            queue_id = Jenkins(settings).start(found, parameters)
        except CicdError:
            store.advance(found.name, commit, {"accepted"}, {"stage": "failed", "at": time.time()})
            raise
        building = {"stage": "building", "queue_id": queue_id, "at": time.time()}
        store.advance(found.name, commit, {None, "accepted", "failed"}, building)
        return {
            "queue_id": queue_id,
            "job": found.job,
            "url": f"{str(settings.jenkins['url']).rstrip('/')}/job/{found.job}/",
            "message": f"{project} {commit[:7]}: CI job {found.job} is queued",
        }
