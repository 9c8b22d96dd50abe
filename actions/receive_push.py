"""Steps 1 and 2: decide what a push means for each project, and open the runs of its commit."""

from __future__ import annotations

from typing import Any

from cicd import event, fields, intake
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.push import Push


class ReceivePush(CicdAction):
    def act(self, settings: Settings, event: dict[str, Any], project: str, **person: str) -> dict[str, Any]:
        push = _push(settings, event, project, **person)
        source = ("missed" if event.get("source") == "missed" else "github") if event else "person"
        outcomes = intake.take(settings, Store(settings), push, source, "" if event else project)
        reasons = [f"{o.project}: {o.decision.reason}" if o.project else o.decision.reason for o in outcomes]
        start = [outcome.project for outcome in outcomes if outcome.start]
        return {
            "build": any(outcome.decision.build for outcome in outcomes),
            "projects": start,
            "commit": push.commit,
            "reason": "; ".join(reasons),
            "trace": fields.trace_tag(push.repository, push.commit),
            "message": f"{push.repository} {push.commit[:7]} pushed by {push.user}: {'; '.join(reasons)}",
        }


def _push(settings: Settings, given: dict[str, Any], project: str, **person: str) -> Push:
    if given:
        return event.parse(given)
    found = settings.project(project)
    repository = person["repository"] or found.repository
    branch = person["branch"] or found.branch or "main"
    return event.asked_for(repository, branch, person["commit"], person["user"] or "unknown")
