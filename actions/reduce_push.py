"""Without a gateway: make of GitHub's own event the one that a gateway would forward."""

from __future__ import annotations

from typing import Any

from cicd import event as events
from cicd import journal
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.errors import InputError


class ReducePush(CicdAction):
    def act(self, settings: Settings, event: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"event": events.reduce(event)}
        except InputError as error:
            journal.refuse(Store(settings), error.message, "github")
            raise
