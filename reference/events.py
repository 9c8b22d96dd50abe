"""What starts something: sensors' triggers, webhooks, timers, and the rules that wait for them."""

from __future__ import annotations

from collections.abc import Iterator

from reference import pack
from reference.markdown import code, page, table
from reference.pack import Yaml


def events() -> str:
    """Return the page: each rule with what it waits for, each trigger with its payload."""
    lines = ["## Rules", "", *table(("rule", "waits for", "runs", "what for"), _rules()), "## Triggers", ""]
    for sensor in pack.files("sensors"):
        for trigger in sensor["trigger_types"]:
            lines += [f"### cicd.{trigger['name']}", "", f"{trigger['description']}", ""]
            lines += [f"Sent by {sensor['class_name']}, which looks every {sensor['poll_interval']} s.", ""]
            lines += table(("field", "type"), _fields(trigger["payload_schema"]))
    return page("Events", "the files in `rules` and `sensors`", lines)


def _rules() -> Iterator[tuple[str, ...]]:
    for rule in pack.files("rules"):
        if rule["enabled"]:
            action = str(rule["action"]["ref"])
            link = f"[{action}](actions.md#{action.replace('.', '')})"
            yield code(rule["name"]), _trigger(rule["trigger"]), link, str(rule["description"])


def _trigger(trigger: Yaml) -> str:
    given = trigger.get("parameters") or {}
    if "url" in given:
        return f"webhook `{given['url']}`"
    if "delta" in given:
        return f"every {given['delta']} {given['unit']}"
    return code(trigger["type"])


def _fields(schema: Yaml) -> Iterator[tuple[str, str]]:
    for name, about in schema.get("properties", {}).items():
        yield code(name), str(about["type"])
