"""Triggers: what can happen, and the instances of it that did."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence

from st2local import clock, object_id
from st2local.content import schema
from st2local.content.registry import Registry
from st2local.content.resources import Resource, stable_id
from st2local.database import Database, Row, dumps, loads
from st2local.engine.traces import Traces
from st2local.errors import NotFoundError, ParamError
from st2local.values import Values

LOG = logging.getLogger(__name__)

PENDING, PROCESSED, FAILED = "pending", "processed", "processing_failed"


def trigger_of(rule: Resource) -> Values:
    """Return the trigger that a rule waits for: a type, or a type with parameters."""
    wanted = rule.data["trigger"]
    return trigger(wanted["type"], wanted.get("parameters") or {})


def trigger(kind: str, parameters: Values) -> Values:
    """Return a trigger; one with parameters has a name made from them."""
    pack, _, name = kind.partition(".")
    if parameters:
        digest = hashlib.sha256(dumps([kind, sorted(parameters.items())]).encode()).hexdigest()
        name = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    ref = f"{pack}.{name}"
    uid = f"trigger:{pack}:{name}"
    return {
        "id": stable_id(uid), "uid": uid, "ref": ref, "name": name, "pack": pack, "type": kind,
        "parameters": parameters, "description": "",
    }  # fmt: skip


class Triggers:
    """Dispatches trigger instances; `ready` is set once one is kept."""

    def __init__(self, database: Database, registry: Registry, traces: Traces) -> None:
        self._database = database
        self._registry = registry
        self._traces = traces
        self.ready = threading.Event()

    def dispatch(
        self, kind: str, payload: Values, *, parameters: Values | None = None, trace_tag: str | None = None,
        trace: str | None = None,
    ) -> str | None:  # fmt: skip
        """Keep an instance of a trigger; returns its id, or None when payload or type are refused."""
        try:
            payload = self.check_payload(kind, payload)
        except (NotFoundError, ParamError) as error:
            LOG.warning("a %s was dropped: %s", kind, error)
            return None
        return self.keep(trigger(kind, parameters or {}), payload, trace_tag=trace_tag, trace=trace)

    def dispatch_key_event(self, event: str, payload: Values) -> None:
        """Keep that a key of the datastore was changed: the event is `create`, `update` or the like."""
        self.dispatch(f"core.st2.key_value_pair.{event}", payload)

    def check_payload(self, kind: str, payload: Values) -> Values:
        """Return the payload with defaults; raises NotFoundError or ParamError."""
        resource = self._registry.get("trigger_type", kind)
        checked = resource.data.get("payload_schema") or {}
        found: Values = schema.check(payload, checked) if checked else payload
        return found

    def keep(
        self, found: Values, payload: Values, *, trace_tag: str | None = None, trace: str | None = None
    ) -> str:
        """Keep an instance, in the given trace or a new one."""
        identifier = object_id.new()
        tag = trace_tag or f"trigger_instance-{identifier}"
        with self._database.transaction():
            trace = trace or self._traces.create(tag)
            self._database.insert(
                "trigger_instances",
                {
                    "id": identifier, "trigger": found["ref"], "trigger_type": found["type"],
                    "status": PENDING, "occurrence_time": clock.now(), "trace": trace,
                    "payload": dumps(payload),
                },
            )  # fmt: skip
            self._traces.add(trace, "trigger_instance", identifier, found["ref"])
            self._database.after_commit(self.ready.set)
        return identifier

    def pending(self) -> list[Values]:
        """Return the instances that no rule has been tried on yet, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM trigger_instances WHERE status = 'pending' ORDER BY rowid LIMIT 100"
        )
        return [document(row) for row in rows]

    def set_status(self, identifier: str, status: str) -> None:
        """Change an instance's status."""
        self._database.execute("UPDATE trigger_instances SET status = ? WHERE id = ?", [status, identifier])

    def get(self, identifier: str) -> Values:
        """Return an instance; raises NotFoundError."""
        row = self._database.row("SELECT * FROM trigger_instances WHERE id = ?", [identifier])
        if row is None:
            raise NotFoundError(f'Resource with a reference or id "{identifier}" not found')
        return document(row)

    def find(self, identifiers: Sequence[str], payloads: bool = True) -> dict[str, Values]:
        """Return those instances that are there, by id; without *payloads* each payload is left out."""
        names = "id, trigger, trigger_type, status, occurrence_time" + (", payload" if payloads else "")
        marks = ", ".join("?" * len(identifiers))
        rows = self._database.rows(
            f"SELECT {names} FROM trigger_instances WHERE id IN ({marks})", identifiers
        )
        return {row["id"]: document(row) if payloads else dict(row) for row in rows}

    def re_emit(self, identifier: str) -> str:
        """Dispatch the same again; returns the new instance's id."""
        old = self.get(identifier)
        found = {"ref": old["trigger"], "type": old["trigger_type"]}
        return self.keep(
            found, {**old["payload"], "__context": {"original_id": identifier}}, trace=old["trace"]
        )


def document(row: Row) -> Values:
    """Return a trigger instance as the rest of the engine sees it."""
    return {**dict(row), "payload": loads(row["payload"])}
