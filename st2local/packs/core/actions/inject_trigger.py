"""Dispatches a trigger through the API."""

from __future__ import annotations

from typing import Any

from st2common.runners.base_action import Action


class InjectTriggerAction(Action):  # type: ignore[misc]
    """Sends a trigger with a payload to the generic webhook."""

    def run(
        self, trigger: Any = None, trigger_name: Any = None, payload: Any = None, trace_tag: Any = None
    ) -> None:
        """Dispatch `trigger_name` (or `trigger`)."""
        body = {"trigger": trigger_name or trigger, "payload": payload or {}, "trace_tag": trace_tag}
        self.action_service.request("POST", "/webhooks/st2", body)
