"""The webhook of New Relic's workflows, with the payload that it suggests."""

from __future__ import annotations

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, items, text


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    return "state" in body and bool({"issueUrl", "impactedEntities", "alertConditionNames"} & set(body))


def signals(body: Table) -> list[Signal]:
    """Return one alarm for each entity that the issue is about, or one about none."""
    conditions = [text(name) for name in items(body.get("alertConditionNames"))]
    check = " and ".join(filter(None, conditions)) or _title(body)
    entities = items(body.get("impactedEntities"))
    hosts = [{"host": entity} for entity in entities] or [{}]
    return [Signal(body.get("state"), {**host, "check": check, **body}) for host in hosts]


def _title(body: Table) -> object:
    titles = items(body.get("title"))
    return titles[0] if titles else body.get("title")
