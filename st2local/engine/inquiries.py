"""Inquiries: executions that wait for a person's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from st2local.content import schema
from st2local.database import Database
from st2local.engine import statuses
from st2local.engine.cancel_pause_resume import CancelPauseResume
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions
from st2local.engine.lifecycle import Lifecycle
from st2local.errors import ForbiddenError, NotFoundError, ParamError, RefusedError
from st2local.values import Values


@dataclass
class Inquiries:
    """Lists and answers what waits."""

    _database: Database
    _executions: Executions
    _lifecycle: Lifecycle
    _changes: CancelPauseResume

    def list(self, limit: int, offset: int = 0) -> list[Values]:
        """Return the inquiries that wait, newest first."""
        waiting = self._executions.select(
            "runner = 'inquirer' AND status = ?", [statuses.PENDING], "start_timestamp DESC", limit, offset
        )
        return [_document(one) for one in waiting]

    def get(self, identifier: str) -> Values:
        """Return one that waits; raises NotFoundError or RefusedError."""
        return _document(self._waiting(identifier))

    def _waiting(self, identifier: str) -> Execution:
        execution = self._executions.find(identifier)
        if execution is None:
            raise NotFoundError(f'Unable to identify resource with id "{identifier}".')
        if execution.runner != "inquirer":
            raise RefusedError(f'Action execution "{identifier}" is not an inquiry.')
        if execution.status == statuses.TIMEOUT:
            raise RefusedError(f'Inquiry "{identifier}" timed out and cannot be responded to.')
        if execution.status in statuses.COMPLETED:
            raise RefusedError(f'Inquiry "{identifier}" has already been responded to.')
        return execution

    def respond(self, identifier: str, response: Any, user: str) -> Values:
        """Answer; the workflow carries on. Raises RefusedError or ForbiddenError."""
        with self._database.transaction():
            execution = self._waiting(identifier)
            users = execution.result.get("users") or []
            if users and user not in users:
                raise ForbiddenError(
                    f'User "{user}" does not have permission to respond to inquiry "{identifier}".'
                )
            self._check(execution, response)
            self._resume_parent(execution, user)
            result = {**execution.result, "response": response}
            self._lifecycle.finish(execution, statuses.SUCCEEDED, result)
        return {"id": identifier, "response": response}

    def _check(self, execution: Execution, response: Any) -> None:
        wanted = execution.result["schema"]
        found = schema.errors(response, wanted)
        if found:
            raise ParamError(
                f'Response for inquiry "{execution.id}" did not pass schema validation. {found[0][1]}'
            )

    def _resume_parent(self, execution: Execution, user: str) -> None:
        if not execution.parent:
            return
        parent = self._executions.get(execution.parent)
        if parent.status == statuses.PAUSED:
            self._changes.resume(parent, user)


def _document(execution: Execution) -> Values:
    names = ("route", "ttl", "users", "roles", "schema")
    return {"id": execution.id, **{name: execution.result.get(name) for name in names}}
