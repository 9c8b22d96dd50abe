"""What a sensor can ask of the server."""

from __future__ import annotations

import urllib.parse
from typing import Any

from st2common.runners.base_action import KeyService, make_logger
from st2common.services.datastore import DatastoreService


class SensorService(KeyService):  # type: ignore[misc]
    """Dispatches triggers, and keeps values in the datastore."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._pack, self._class_name = wanted["pack"], wanted["class_name"]
        self.datastore_service = DatastoreService(
            wanted["api_url"], wanted["token"], self._pack, self._class_name
        )

    def get_logger(self, name: str) -> Any:
        """Return a logger whose lines are in the server's log."""
        return make_logger(f"{self._class_name}.{name}", "DEBUG")

    def triggers(self) -> Any:
        """Return the triggers of this sensor that rules wait for."""
        query = urllib.parse.urlencode({"sensor": f"{self._pack}.{self._class_name}"})
        return self.datastore_service.request("GET", f"/sensortriggers?{query}")

    def dispatch(self, trigger: Any, payload: Any = None, trace_tag: Any = None) -> None:
        """Say that something has happened."""
        self.dispatch_with_context(trigger, payload, {"trace_tag": trace_tag} if trace_tag else None)

    def dispatch_with_context(self, trigger: Any, payload: Any = None, trace_context: Any = None) -> None:
        """Say that something has happened, as part of a trace."""
        tag = (trace_context or {}).get("trace_tag")
        ref = trigger if isinstance(trigger, str) else trigger.get("ref") or trigger["type"]
        body = {"trigger": ref, "payload": payload or {}, "trace_tag": tag}
        if isinstance(trigger, dict) and trigger.get("parameters"):
            body["trigger"] = trigger["type"]
            body["parameters"] = trigger["parameters"]
        self.datastore_service.request("POST", "/sensordispatch", body)
