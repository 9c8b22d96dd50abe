"""Prometheus Alertmanager's webhook (version 4), which Grafana's alerting sends, too."""

from __future__ import annotations

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, items, table


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    return isinstance(body.get("alerts"), list)


def signals(body: Table) -> list[Signal]:
    """Return the alerts of the group, each with what its labels say and those that all of them have."""
    common = table(body.get("commonLabels"))
    alerts = [table(alert) for alert in items(body.get("alerts"))]
    return [Signal(alert.get("status"), {**common, **table(alert.get("labels"))}) for alert in alerts]


def left_out(body: Table) -> int:
    """Return how many alerts the sender left out, because its `max_alerts` is too low."""
    number = body.get("truncatedAlerts")
    return number if isinstance(number, int) and not isinstance(number, bool) else 0
