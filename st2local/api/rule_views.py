"""Rules with the descriptions of what they wait for and of what they start, for a user interface."""

from __future__ import annotations

from starlette.responses import Response

from st2local.api.ask import Ask, cut, page
from st2local.api.content import document, fitting
from st2local.content.resources import Resource
from st2local.values import Values


def list_all(ask: Ask) -> Response:
    """Answer with all rules."""
    return page(ask, fitting(ask, [view(ask, one) for one in ask.engine.registry.all("rule")]))


def get(ask: Ask) -> Values:
    """Answer with one rule, by ref or id."""
    return cut(ask, view(ask, ask.engine.registry.get("rule", ask.path["ref"])))


def view(ask: Ask, rule: Resource) -> Values:
    """Return a rule with both descriptions; one of what is not there is empty."""
    found = document(ask, rule)
    for name, kind, key in (("action", "action", "ref"), ("trigger", "trigger_type", "type")):
        resource = ask.engine.registry.find(kind, found[name][key])
        description = resource.data.get("description") if resource else None
        found[name] = {**found[name], "description": description or ""}
    return found
