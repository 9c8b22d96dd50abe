"""The first code that sees a push: keep what is known of it, and give workflows nothing but identifiers."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.ci import event_log, inbox
from cicd.ci import github_push as events
from cicd.config import Settings
from cicd.errors import InputError
from cicd.store.store import Store

DELIVERY_LENGTH = 64  # GitHub's have 36


class ReducePush(CicdAction):
    def act(
        self, settings: Settings, event: dict[str, Any], delivery: str, user: str, brought_by: str
    ) -> dict[str, Any]:
        store, source = Store(settings), "missed" if event.get("source") == "missed" else "github"
        try:
            reduced = events.reduce(event)
        except InputError as error:
            event_log.refuse(store, error.message, source)
            raise
        push, by = events.parse(reduced), "" if brought_by == "rule" else user
        return {
            "push": inbox.put(
                store, {**reduced, "source": source, "by": by, "delivery": delivery[:DELIVERY_LENGTH]}
            ),
            "repository": push.repository,
            "branch": push.branch,
            "commit": push.commit,
            "message": f"{push.repository} {push.ref} {push.commit[:7]} came from {source}",
        }
