"""Steps 1 and 2: decide what a push means for each project, and open the runs of its commit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.ci import github_push, inbox, push_handler
from cicd.ci.push import Push
from cicd.config import Settings
from cicd.store.store import Store


class ReceivePush(CicdAction):
    def act(self, settings: Settings, push: str, project: str, **person: str) -> dict[str, Any]:
        store = Store(settings)
        came, source = _came(store, push) if push else (_asked(settings, project, **person), "person")
        outcomes = push_handler.take(settings, store, came, source, "" if push else project)
        reasons = [f"{o.project}: {o.decision.reason}" if o.project else o.decision.reason for o in outcomes]
        return {
            "build": any(outcome.decision.build for outcome in outcomes),
            "projects": [outcome.project for outcome in outcomes if outcome.start],
            "commit": came.commit,
            "reason": "; ".join(reasons),
            "trace": identifiers.trace_tag(came.repository, came.commit),
            "message": f"{came.repository} {came.commit[:7]} pushed by {came.user}: {'; '.join(reasons)}",
        }


def _came(store: Store, identifier: str) -> tuple[Push, str]:
    kept = inbox.get(store, identifier)
    push, by = github_push.parse(kept), str(kept.get("by") or "")
    told = replace(push, authors=(*push.authors, by), delivery=str(kept.get("delivery") or ""))
    return told, str(kept.get("source"))


def _asked(settings: Settings, project: str, **person: str) -> Push:
    found = settings.project(project)
    repository = person["repository"] or found.repository
    branch = person["branch"] or found.branch or "main"
    return github_push.asked_for(repository, branch, person["commit"], person["user"], person["named"])
