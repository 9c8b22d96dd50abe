"""What happened: traces, trigger instances, rule enforcements."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from st2local.api.ask import Ask, cut, page
from st2local.api.executions import shown
from st2local.content.resources import stable_id
from st2local.database import Row
from st2local.engine.triggers import document
from st2local.errors import NotFoundError
from st2local.values import Values

_COMPONENT = "id IN (SELECT trace FROM trace_components WHERE kind = '{}' AND object = :{})"
_TRACES = {
    "trace_tag": "tag = :trace_tag",
    "execution": _COMPONENT.format("action_execution", "execution"),
    "rule": _COMPONENT.format("rule", "rule"),
    "trigger_instance": _COMPONENT.format("trigger_instance", "trigger_instance"),
}
_INSTANCES = {
    "trigger": "(trigger = :trigger OR trigger_type = :trigger)",
    "trigger_type": "trigger_type = :trigger_type",
    "status": "status = :status",
    "timestamp_gt": "occurrence_time > :timestamp_gt",
    "timestamp_lt": "occurrence_time < :timestamp_lt",
}
_ENFORCEMENTS = {
    **{name: f"{name} = :{name}" for name in ("rule", "execution", "trigger_instance", "status")},
    "rule_ref": "rule = :rule_ref",
    "enforced_at_gt": "enforced_at > :enforced_at_gt",
    "enforced_at_lt": "enforced_at < :enforced_at_lt",
}


def _page(
    ask: Ask, table: str, filters: dict[str, str], moment: str, show: Callable[[Row], Values]
) -> Response:
    """Answer with the rows of a table that fit the query, by their moment."""
    given = {name: ask.query[name] for name in filters if ask.query.get(name)}
    where = " AND ".join(["1", *(filters[name] for name in given)])
    direction = "ASC" if ask.flag("sort_asc") else "DESC"
    rows = ask.engine.database.rows(
        f"SELECT * FROM {table} WHERE {where} ORDER BY {moment} {direction}, id {direction}"
        " LIMIT :limit OFFSET :offset",
        {**given, "limit": ask.limit, "offset": ask.offset},
    )
    total = ask.engine.database.value(f"SELECT count(*) FROM {table} WHERE {where}", given)
    return page(ask, [show(row) for row in rows], total)


def traces(ask: Ask) -> Response:
    """Answer with traces."""
    return _page(ask, "traces", _TRACES, "start_timestamp", ask.engine.traces.document)


def trace(ask: Ask) -> Values:
    """Answer with one trace."""
    return cut(ask, ask.engine.traces.get(ask.path["id"]))


def trigger_instances(ask: Ask) -> Response:
    """Answer with trigger instances."""
    return _page(
        ask, "trigger_instances", _INSTANCES, "occurrence_time", lambda row: _instance(document(row))
    )


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


def enforcements(ask: Ask) -> Response:
    """Answer with rule enforcements."""
    return _page(ask, "enforcements", _ENFORCEMENTS, "enforced_at", _enforcement)


def enforcement(ask: Ask) -> Values:
    """Answer with one rule enforcement."""
    row = ask.engine.database.row("SELECT * FROM enforcements WHERE id = ?", [ask.path["id"]])
    if row is None:
        raise NotFoundError(f'Resource with a reference or id "{ask.path["id"]}" not found')
    return cut(ask, _enforcement(row))


def _enforcement(row: Row) -> Values:
    pack, _, name = row["rule"].partition(".")
    uid = f"rule:{pack}:{name}"
    optional = {"execution_id": row["execution"], "failure_reason": row["failure_reason"]}
    return {
        "id": row["id"],
        "rule": {"ref": row["rule"], "id": stable_id(uid), "uid": uid},
        "trigger_instance_id": row["trigger_instance"],
        "enforced_at": row["enforced_at"],
        "status": row["status"],
        **{name: value for name, value in optional.items() if value},
    }


def enforcement_views(ask: Ask) -> Response:
    """Answer with rule enforcements, each with its trigger instance and execution."""

    def view(row: Row) -> Values:
        execution = ask.engine.executions.find(row["execution"]) if row["execution"] else None
        return {
            **_enforcement(row),
            "trigger_instance": _instance(ask.engine.triggers.get(row["trigger_instance"])),
            "execution": shown(ask, execution) if execution else {},
        }

    return _page(ask, "enforcements", _ENFORCEMENTS, "enforced_at", view)
