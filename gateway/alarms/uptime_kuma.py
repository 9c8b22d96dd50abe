"""Uptime Kuma's webhook, sent as JSON."""

from __future__ import annotations

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, named_values, table

STATUS = {0: "down", 1: "up", 2: "pending", 3: "maintenance"}


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    return {"heartbeat", "monitor"} <= set(body)


def signals(body: Table) -> list[Signal]:
    """Return what the heartbeat says of the monitor; the monitor's tags are labels."""
    monitor, number = table(body.get("monitor")), table(body.get("heartbeat")).get("status")
    status = STATUS.get(number) if isinstance(number, int) else None
    about = {"host": monitor.get("hostname"), "check": monitor.get("name")}
    return [Signal(status, {**about, **named_values(monitor.get("tags"))})]
