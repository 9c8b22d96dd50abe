"""PagerDuty's webhooks, version 3."""

from __future__ import annotations

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, table, text


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    return "event_type" in table(body.get("event"))


def signals(body: Table) -> list[Signal]:
    """Return the incident that the event is about; its service is the label `service`."""
    event = table(body.get("event"))
    incident = table(event.get("data"))
    service = table(incident.get("service")).get("summary")
    happened = text(event.get("event_type")).rpartition(".")[2]
    return [Signal(happened, {"service": service, "check": incident.get("title")})]
