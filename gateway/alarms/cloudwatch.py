"""Alarms of Amazon CloudWatch, as its notification service SNS brings them."""

from __future__ import annotations

import orjson

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, items, named_values, table


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    return body.get("Type") == "Notification" and "TopicArn" in body


def signals(body: Table) -> list[Signal]:
    """Return the alarm in the notification; the dimensions of its metrics are labels."""
    alarm = _message(body.get("Message"))
    labels = {"check": alarm.get("AlarmName"), **_dimensions(table(alarm.get("Trigger")))}
    return [Signal(alarm.get("NewStateValue"), labels)]


def _message(value: object) -> Table:
    try:
        return table(orjson.loads(value)) if isinstance(value, str) else {}
    except ValueError:
        return {}


def _dimensions(trigger: Table) -> dict[str, object]:
    found = named_values(trigger.get("Dimensions"))
    for query in items(trigger.get("Metrics")):
        metric = table(table(table(query).get("MetricStat")).get("Metric"))
        found |= named_values(metric.get("Dimensions"))
    return found
