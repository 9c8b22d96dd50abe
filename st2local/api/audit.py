"""What happened: traces, trigger instances, rule enforcements."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from st2local.api.ask import Ask, cut, page
from st2local.api.executions import shown
from st2local.content.resources import stable_id
from st2local.engine.triggers import document
from st2local.errors import NotFoundError
from st2local.values import Values


def _where(ask: Ask, filters: dict[str, str]) -> tuple[str, list[Any]]:
    given = {name: ask.query.get(name) for name in filters}
    parts = [filters[name] for name, value in given.items() if value]
    arguments = [value for value in given.values() if value]
    return " AND ".join(["1", *parts]), arguments


def _direction(ask: Ask) -> str:
    return "ASC" if ask.flag("sort_asc") else "DESC"


_COMPONENT = "id IN (SELECT trace FROM trace_components WHERE kind = '{}' AND object = ?)"
_TRACES = {
    "trace_tag": "tag = ?",
    "execution": _COMPONENT.format("action_execution"),
    "rule": _COMPONENT.format("rule"),
    "trigger_instance": _COMPONENT.format("trigger_instance"),
}


def traces(ask: Ask) -> Response:
    """Answer with traces."""
    where, arguments = _where(ask, _TRACES)
    order = f"start_timestamp {_direction(ask)}, id {_direction(ask)}"
    found = ask.engine.traces.select(where, arguments, order, ask.limit, ask.offset)
    return page(
        ask, found, ask.engine.database.value(f"SELECT count(*) FROM traces WHERE {where}", arguments)
    )


def trace(ask: Ask) -> Values:
    """Answer with one trace."""
    return cut(ask, ask.engine.traces.get(ask.path["id"]))


_INSTANCES = {
    "trigger": "(trigger = ? OR trigger_type = ?2)",
    "trigger_type": "trigger_type = ?",
    "status": "status = ?",
    "timestamp_gt": "occurrence_time > ?",
    "timestamp_lt": "occurrence_time < ?",
}


def trigger_instances(ask: Ask) -> Response:
    """Answer with trigger instances."""
    where, arguments = _where(ask, {**_INSTANCES, "trigger": "(trigger = ? OR trigger_type = ?)"})
    if ask.query.get("trigger"):
        arguments.insert(0, ask.query["trigger"])
    order = f"occurrence_time {_direction(ask)}, id {_direction(ask)}"
    sql = f"SELECT * FROM trigger_instances WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = ask.engine.database.rows(sql, [*arguments, ask.limit, ask.offset])
    total = ask.engine.database.value(f"SELECT count(*) FROM trigger_instances WHERE {where}", arguments)
    return page(ask, [_instance(document(row)) for row in rows], total)


def _instance(found: Values) -> Values:
    return {name: found[name] for name in ("id", "trigger", "status", "occurrence_time", "payload")}


def trigger_instance(ask: Ask) -> Values:
    """Answer with one trigger instance."""
    return cut(ask, _instance(ask.engine.triggers.get(ask.path["id"])))


def re_emit(ask: Ask) -> Response:
    """Dispatch a trigger instance again."""
    ask.engine.triggers.re_emit(ask.path["id"])
    message = f"Trigger instance {ask.path['id']} succesfully re-sent."
    return JSONResponse({"message": message, "payload": ask.engine.triggers.get(ask.path["id"])["payload"]})


_ENFORCEMENTS = {
    "rule": "rule = ?", "rule_ref": "rule = ?", "execution": "execution = ?",
    "trigger_instance": "trigger_instance = ?", "status": "status = ?",
    "enforced_at_gt": "enforced_at > ?", "enforced_at_lt": "enforced_at < ?",
}  # fmt: skip


def enforcements(ask: Ask) -> Response:
    """Answer with rule enforcements."""
    where, arguments = _where(ask, _ENFORCEMENTS)
    order = f"enforced_at {_direction(ask)}, id {_direction(ask)}"
    sql = f"SELECT * FROM enforcements WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = ask.engine.database.rows(sql, [*arguments, ask.limit, ask.offset])
    total = ask.engine.database.value(f"SELECT count(*) FROM enforcements WHERE {where}", arguments)
    return page(ask, [_enforcement(row) for row in rows], total)


def enforcement(ask: Ask) -> Values:
    """Answer with one rule enforcement."""
    row = ask.engine.database.row("SELECT * FROM enforcements WHERE id = ?", [ask.path["id"]])
    if row is None:
        raise NotFoundError(f'Resource with a reference or id "{ask.path["id"]}" not found')
    return cut(ask, _enforcement(row))


def _enforcement(row: Any) -> Values:
    pack, _, name = row["rule"].partition(".")
    uid = f"rule:{pack}:{name}"
    shown_: Values = {
        "id": row["id"],
        "rule": {"ref": row["rule"], "id": stable_id(uid), "uid": uid},
        "trigger_instance_id": row["trigger_instance"],
        "enforced_at": row["enforced_at"],
        "status": row["status"],
    }
    for name, column in (("execution_id", "execution"), ("failure_reason", "failure_reason")):
        if row[column]:
            shown_[name] = row[column]
    return shown_


def enforcement_views(ask: Ask) -> Response:
    """Answer with rule enforcements, each with its trigger instance and execution."""
    where, arguments = _where(ask, _ENFORCEMENTS)
    sql = f"SELECT * FROM enforcements WHERE {where} ORDER BY enforced_at DESC, id DESC LIMIT ? OFFSET ?"
    rows = ask.engine.database.rows(sql, [*arguments, ask.limit, ask.offset])
    found = []
    for row in rows:
        execution = ask.engine.executions.find(row["execution"]) if row["execution"] else None
        found.append(
            {
                **_enforcement(row),
                "trigger_instance": _instance(ask.engine.triggers.get(row["trigger_instance"])),
                "execution": shown(ask, execution) if execution else {},
            }
        )
    return page(ask, found, len(found))
