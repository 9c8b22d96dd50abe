"""By what executions are filtered, and which values each filter has: what a user interface offers."""

from __future__ import annotations

from typing import Any

from st2local.api.ask import Ask
from st2local.values import Values


def _name_in(ref: str) -> str:
    """Return SQL for the name in a column that holds `<pack>.<name>`."""
    return f"substr({ref}, instr({ref}, '.') + 1)"


def _of_instance(column: str) -> str:
    return f"trigger_instance IN (SELECT id FROM trigger_instances WHERE {_name_in(column)} = ?)"


_CONDITIONS = {
    **{name: f"{name} = ?" for name in ("action", "status", "user", "pack", "runner", "parent", "id")},
    "rule": f"{_name_in('rule')} = ?",
    "trigger": _of_instance("trigger"),
    "trigger_type": _of_instance("trigger_type"),
    "trigger_instance": "trigger_instance = ?",
    "workflow_execution": "workflow = ?",
    "timestamp_gt": "start_timestamp > ?",
    "timestamp_lt": "start_timestamp < ?",
}
# What may be filtered by `null`, and the column that is empty then.
_ABSENT = {
    "parent": "parent",
    "rule": "rule",
    **dict.fromkeys(("trigger", "trigger_type", "trigger_instance"), "trigger_instance"),
}
_OF_EXECUTIONS = "SELECT DISTINCT {} FROM executions"
_OF_INSTANCES = (
    "SELECT DISTINCT {} FROM trigger_instances WHERE id IN (SELECT trigger_instance FROM executions)"
)
_VALUES = {
    **{name: _OF_EXECUTIONS.format(name) for name in ("action", "status", "user", "runner")},
    "rule": _OF_EXECUTIONS.format(_name_in("rule")),
    "trigger": _OF_INSTANCES.format(_name_in("trigger")),
    "trigger_type": _OF_INSTANCES.format(_name_in("trigger_type")),
}


def where(ask: Ask) -> tuple[str, list[Any]]:
    """Return the condition that the query asks for, and its arguments."""
    given = {name: ask.query[name] for name in _CONDITIONS if ask.query.get(name)}
    absent = [name for name in given if name in _ABSENT and given[name].lower() == "null"]
    conditions = [f"{_ABSENT[name]} IS NULL" for name in absent]
    present = {name: value for name, value in given.items() if name not in absent}
    return " AND ".join(["1", *conditions, *map(_CONDITIONS.__getitem__, present)]), list(present.values())


def values(ask: Ask) -> Values:
    """Answer with the values that each filter has in the executions that are kept."""
    wanted = ask.names("types")
    return {
        name: sorted(row[0] for row in ask.engine.database.rows(query) if row[0] is not None)
        for name, query in _VALUES.items()
        if not wanted or name in wanted
    }
