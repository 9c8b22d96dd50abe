"""The life of an execution: it is requested, it runs, it ends, and its end begins other executions."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from st2local import clock
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.engine import statuses
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.engine.policies import RETRY_SECONDS, Policies
from st2local.engine.request_execution import ExecutionRequests, Request
from st2local.engine.scheduler import Scheduler
from st2local.errors import ParamError
from st2local.values import Values

LOG = logging.getLogger(__name__)
CarryOut = Callable[[Execution, Resource], Outcome]
Listener = Callable[[Execution], None]


@dataclass
class Lifecycle:
    """The one way to begin and to end an execution; whoever must know of an end listens here."""

    _database: Database
    _registry: Registry
    _executions: Executions
    _policies: Policies
    _requests: ExecutionRequests

    def __post_init__(self) -> None:
        self._scheduler = Scheduler(self._executions, self.run)
        self.stopping = False

    def attach(self, carry_out: CarryOut, *listeners: Listener) -> None:
        """Take who carries executions out, and who is told of each end or wait, in this order."""
        self._carry_out, self._listeners = carry_out, listeners

    def start(self) -> None:
        """Begin, with what a former server left."""
        left_over = self._scheduler.left_over()
        for execution in self._executions.select(
            f"handled = 0 AND status IN ({', '.join('?' * len(statuses.COMPLETED))})",
            statuses.COMPLETED, "end_timestamp, id", -1,
        ):  # fmt: skip
            self._tell(execution)
        self._scheduler.start(left_over)

    def stop(self) -> None:
        """Take nothing more."""
        self.stopping = True
        self._scheduler.stop()

    def request(self, request: Request) -> Execution:
        """Keep a new execution and have it carried out; raises RefusedError and ParamError."""
        with self._database.transaction():
            execution = self._requests.keep(request)
            self._database.after_commit(lambda: self._scheduler.submit(execution))
        return execution

    def request_failed(self, request: Request, error: ParamError) -> None:
        """Keep an execution that fails before it begins."""
        self._tell(self._requests.keep_failed(request, error))

    def run(self, identifier: str) -> None:
        """Carry out an execution that is due."""
        execution = self._executions.find(identifier)
        if execution is None or execution.status not in (*statuses.WAITING, statuses.RUNNING):
            return
        action = self._registry.find("action", execution.action)
        if action is None:
            message = f'Action "{execution.action}" cannot be found.'
            self.finish(execution, statuses.FAILED, {"error": message, "traceback": ""})
        elif self._admit(execution):
            outcome = self._outcome(execution, action)
            if outcome is not None and not self.stopping:
                self.finish(execution, *outcome)

    def _admit(self, execution: Execution) -> bool:
        """Schedule an execution, unless a policy says otherwise."""
        with self._database.transaction():
            # Somebody may have canceled it since it was read.
            current = self._executions.status(execution.id)
            if current not in statuses.WAITING:
                return current == statuses.RUNNING
            refusal = self._policies.refusal(execution)
            if refusal == "cancel":
                self.finish(execution, statuses.CANCELED, None)
            elif refusal == "delay":
                self._delay(execution)
            else:
                execution.due = None
                execution.set_status(statuses.SCHEDULED)
                execution.set_status(statuses.RUNNING)
                self._executions.save(execution)
        return refusal is None

    def _delay(self, execution: Execution) -> None:
        execution.due = clock.later(RETRY_SECONDS)
        if execution.status != statuses.DELAYED:
            execution.set_status(statuses.DELAYED)
        self._executions.save(execution)
        self._database.after_commit(lambda: self._scheduler.submit(execution))

    def _outcome(self, execution: Execution, action: Resource) -> Outcome:
        try:
            return self._carry_out(execution, action)
        except Exception as error:
            trace = "".join(traceback.format_tb(error.__traceback__, 20))
            return statuses.FAILED, {"error": str(error), "traceback": trace}

    def finish(self, execution: Execution, status: str, result: Any) -> None:
        """End an execution (or leave it waiting for an answer); what follows from it is done next."""
        with self._database.transaction():
            if self._executions.status(execution.id) in statuses.COMPLETED:
                return
            fresh = self._executions.get(execution.id)
            fresh.result, fresh.process = result, None
            fresh.set_status(status)
            self._executions.save(fresh, with_result=True)
            self._database.after_commit(lambda: self._tell(fresh))

    def set_workflow_status(self, execution: Execution, status: str, result: Values) -> None:
        """Show a workflow's status on its execution."""
        if status in statuses.COMPLETED:
            self.finish(execution, status, result)
        elif status not in (execution.status, statuses.REQUESTED, statuses.SCHEDULED):
            execution.set_status(status)
            execution.result = result
            self._executions.save(execution, with_result=True)
            if status == statuses.PAUSED:
                self._database.after_commit(lambda: self._tell(execution))

    def _tell(self, execution: Execution) -> None:
        """Do what follows from an end or wait: all of it is kept, or none. Never raises."""
        try:
            with self._database.transaction():
                if execution.completed and self._executions.is_handled(execution.id):
                    return
                for listener in self._listeners:
                    listener(execution)
                if execution.completed:
                    self._executions.mark_handled(execution)
        except Exception:
            if not self.stopping:
                LOG.exception("what follows from execution %s could not be done", execution.id)
