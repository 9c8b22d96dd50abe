"""Writes the message that tells a chat of an execution's end."""

from __future__ import annotations

import json
from typing import Any

import jinja2.sandbox
from st2common.runners.base_action import Action

from st2local.functions import FILTERS
from st2local.values import Values

DEFAULT = """Action {{ execution.action.ref }} completed.
status : {{ execution.status }}
execution: {{ execution.id }}
Took {{ execution.elapsed_seconds | to_human_time_from_seconds }} to complete.
result :
--------
{{ result }}"""


class FormatResultAction(Action):  # type: ignore[misc]
    """Renders the alias' own format, or a plain one."""

    def run(self, execution_id: str) -> Values:
        """Return {enabled, message[, extra]} for an execution."""
        execution = self._get(f"/executions/{execution_id}")
        reference = execution["context"].get("action_alias_ref") or {}
        alias = self._get(f"/actionalias/{reference['id']}") if reference.get("id") else {}
        wanted = alias.get("result") or {}
        if not wanted.get("enabled", True):
            return {"enabled": False, "extra": {}}
        context = {"execution": execution, "alias": alias, "result": _plain(execution.get("result"))}
        message = _render(wanted.get("format") or DEFAULT, context)
        extra = json.loads(_render(json.dumps(wanted.get("extra") or {}), context))
        return {"enabled": True, "message": message, "extra": extra}

    def _get(self, path: str) -> Values:
        found: Values = self.action_service.request("GET", path)
        return found


def _render(text: str, context: Values) -> str:
    environment = jinja2.sandbox.SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    return environment.from_string(text).render(context)


def _plain(result: Any) -> str:
    if not isinstance(result, dict):
        return str(result)
    return "\n".join(f"{name} : {value}" for name, value in result.items() if value not in (None, "", {}))
