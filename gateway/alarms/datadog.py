"""Datadog's webhook, with its own payload, or with one that has its variables by their names."""

from __future__ import annotations

import re

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table, text

_TITLE = re.compile(
    r"(?:\[P[1-5]\] ?)?\[(?P<how>[A-Za-z][A-Za-z -]{0,30}?)(?: on \{(?P<scope>[^}]*)\})?\] ?(?P<what>.*)",
    re.S,
)
TITLE_LIMIT = 2000


def fits(body: Table) -> bool:
    """Return whether *body* is of this form."""
    names = {name.lower() for name in body}
    return "alert_transition" in names or {"title", "event_type", "last_updated"} <= names


def signals(body: Table) -> list[Signal]:
    """Return the one alarm in *body*: what is not in a variable of its own is read from the title."""
    said = {name.lower(): value for name, value in body.items()}
    title = next((text(said[name]) for name in ("alert_title", "event_title", "title") if said.get(name)), "")
    found = _TITLE.fullmatch(title[:TITLE_LIMIT])
    how, scope, what = (found["how"], found["scope"] or "", found["what"]) if found else (None, "", title)
    tags = {**_tags(text(said.get("tags"))), **_tags(text(said.get("alert_scope"))), **_tags(scope)}
    return [Signal(said.get("alert_transition") or how, {**tags, **said, "check": what})]


def _tags(listed: str) -> dict[str, str]:
    pairs = [tag.strip().partition(":") for tag in listed.split(",") if ":" in tag]
    return {name: value for name, _, value in pairs}
