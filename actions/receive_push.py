"""Steps 1 and 2: decide what a push means, and open the run of its commit."""

from __future__ import annotations

import time
from typing import Any

from cicd import fields, push
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store


class ReceivePush(CicdAction):
    def act(
        self, settings: Settings, project: str, repository: str, branch: str, commit: str, user: str
    ) -> dict[str, Any]:
        known = settings.project_of(repository) if repository else settings.projects.get(project)
        store = Store(settings)
        run = store.run(known.name, commit) if known else None
        decision = push.decide(known, repository or project, branch, run["stage"] if run else None)
        opened = {"stage": "accepted", "user": user, "branch": branch, "at": time.time()}
        if known and decision.build and not store.advance(known.name, commit, {None, "failed"}, opened):
            decision = push.Decision(False, "another delivery of the same push was faster")
        return {
            "build": decision.build,
            "reason": decision.reason,
            "project": known.name if known else project,
            "trace": fields.trace_tag(known.repository, commit) if known else "",
            "message": f"{project} {commit[:7]} pushed by {user}: {decision.reason}",
        }
