"""What a sensor can ask of the server."""

from __future__ import annotations

import urllib.parse
from typing import Any

from st2common.runners.base_action import make_logger
from st2common.services.datastore import DatastoreService


class SensorService:
    """Dispatches triggers, and keeps values in the datastore."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        self._pack, self._class_name = wanted["pack"], wanted["class_name"]
        self._datastore = DatastoreService(wanted["api_url"], wanted["token"], self._pack, self._class_name)

    @property
    def datastore_service(self) -> DatastoreService:
        """The datastore."""
        return self._datastore

    def get_logger(self, name: str) -> Any:
        """Return a logger whose lines are in the server's log."""
        return make_logger(f"{self._class_name}.{name}", "DEBUG")

    def triggers(self) -> Any:
        """Return the triggers of this sensor that rules wait for."""
        query = urllib.parse.urlencode({"sensor": f"{self._pack}.{self._class_name}"})
        return self._datastore.request("GET", f"/sensortriggers?{query}")

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
        self._datastore.request("POST", "/sensordispatch", body)

    def get_user_info(self) -> Any:
        """Return who the sensor runs as."""
        return self._datastore.get_user_info()

    def list_values(
        self, local: bool = True, prefix: Any = None, limit: Any = None, offset: Any = None
    ) -> Any:
        """Return keys."""
        return self._datastore.list_values(local=local, prefix=prefix, limit=limit, offset=offset)

    def get_value(
        self, name: str, local: bool = True, scope: str = "st2kv.system", decrypt: bool = False
    ) -> Any:
        """Return a key's value, or None."""
        return self._datastore.get_value(name, local=local, scope=scope, decrypt=decrypt)

    def set_value(
        self, name: str, value: Any, ttl: Any = None, local: bool = True, scope: str = "st2kv.system",
        encrypt: bool = False,
    ) -> Any:  # fmt: skip
        """Set a key."""
        return self._datastore.set_value(name, value, ttl=ttl, local=local, scope=scope, encrypt=encrypt)

    def delete_value(self, name: str, local: bool = True, scope: str = "st2kv.system") -> Any:
        """Delete a key."""
        return self._datastore.delete_value(name, local=local, scope=scope)
