"""The engine: everything that happens after somebody or something has asked."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from st2local.auth import Auth
from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.datastore import SYSTEM, SYSTEM_USER, USER, Datastore
from st2local.engine import completion, control, requests, statuses
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions
from st2local.engine.garbage import Garbage
from st2local.engine.inquiries import Inquiries
from st2local.engine.policies import Policies
from st2local.engine.rules import Rules
from st2local.engine.scheduler import Scheduler
from st2local.engine.sensors import Sensors
from st2local.engine.timers import Timers
from st2local.engine.traces import Traces
from st2local.engine.triggers import Triggers
from st2local.engine.workflows import Workflows
from st2local.parameters import Rendering, render_final, render_live
from st2local.runners import RUNNERS, process
from st2local.runners.call import Call, Outcome
from st2local.stream import Stream
from st2local.templates import Templates
from st2local.virtualenvs import Virtualenvs

LOG = logging.getLogger(__name__)
Values = dict[str, Any]


class Engine:
    """The parts of a server, and what an execution goes through."""

    def __init__(
        self,
        registry: Registry,
        data: Path,
        configs: Path | None,
        virtualenvs: Virtualenvs,
        password_file: Path | None,
        api_url: str,
        keep_days: int,
    ) -> None:
        """Open the data directory; `api_url` is what actions and sensors are told."""
        self.registry = registry
        self.api_url = api_url
        self.stopping = False
        self.database = Database(data / "st2local.sqlite")
        self.auth = Auth(self.database, password_file)
        self.datastore = Datastore(self.database, data / "datastore.key")
        self.templates = Templates(self.datastore)
        self.configs = Configs(registry, configs, self.templates, self.datastore)
        self.virtualenvs = virtualenvs
        self.stream = Stream()
        self.executions = Executions(self.database)
        self.traces = Traces(self.database)
        self.triggers = Triggers(self.database, registry, self.traces)
        self.workflows = Workflows(self)
        self.policies = Policies(self)
        self.inquiries = Inquiries(self)
        self.scheduler = Scheduler(self)
        self.rules = Rules(self)
        self.timers = Timers(self)
        self.sensors = Sensors(self)
        self.garbage = Garbage(self.database, keep_days)
        self.triggers.ready = self.rules.wake
        self.executions.changed = self._execution_changed
        self.datastore.changed = self._key_changed

    def start(self) -> None:
        """Begin to work, with what a former server left."""
        left_over = self.scheduler.left_over()
        for execution in self.executions.select(
            f"handled = 0 AND status IN ({', '.join('?' * len(statuses.COMPLETED))})",
            statuses.COMPLETED, "end_timestamp, id", -1,
        ):  # fmt: skip
            self.handle(execution)
        self.rules.start()
        self.scheduler.start(left_over)
        self.timers.start()
        self.sensors.start()
        self.garbage.start()

    def stop(self) -> None:
        """Stop; executions that run are carried out again by the next start."""
        self.stopping = True
        self.garbage.stop()
        self.sensors.stop()
        self.timers.stop()
        self.rules.stop()
        self.scheduler.stop()
        process.kill_all()

    def _execution_changed(self, execution: Execution, created: bool) -> None:
        if self.stream.wanted:
            event = "create" if created else "update"
            self.stream.publish(f"st2.execution__{event}", execution)
        if created and execution.status in statuses.WAITING:
            self.scheduler.submit(execution)

    def _key_changed(self, event: str, payload: Values) -> None:
        self.triggers.dispatch(f"core.st2.key_value_pair.{event}", payload)

    def is_enabled(self, resource: Resource) -> bool:
        """Tell whether a resource takes effect, as its file or a later order says."""
        said = self.database.value("SELECT enabled FROM enabled WHERE uid = ?", [resource.uid])
        return resource.enabled if said is None else bool(said)

    def set_enabled(self, resource: Resource, enabled: bool) -> None:
        """Keep whether a resource takes effect."""
        self.database.insert("enabled", {"uid": resource.uid, "enabled": int(enabled)})

    def read_key(self, name: str, user: str, decrypt: bool) -> str | None:
        """Return the value of `system.x`, `user.x` or `x`; None when there is no such key."""
        scope, _, rest = name.partition(".")
        if scope not in ("system", "user") or not rest:
            scope, rest = "system", name
        key = self.datastore.find(rest, USER if scope == "user" else SYSTEM, user)
        if key is None:
            return None
        return self.datastore.decrypt(key.value) if decrypt else key.value

    def _rendering(self, context: Values, extra: Values | None = None) -> Rendering:
        config = self.configs.get_or_empty(context.get("pack"), context.get("user"))
        return Rendering(self.templates, context, config, extra)

    def render_live(
        self, action: Resource, given: Values, context: Values, extra: Values | None = None
    ) -> Values:
        """Return the given parameters, rendered and cast; raises ParamError."""
        own, runner = action.data.get("parameters") or {}, self.registry.runner(action).parameters
        return render_live(self._rendering(context, extra), given, own, runner)

    def request(self, ref: str, parameters: Values, context: Values, **more: Any) -> Execution:
        """Keep a new execution, to be carried out; see `requests.make`."""
        return requests.make(self, ref, parameters, context, **more)

    def run(self, identifier: str) -> None:
        """Carry out an execution that is due."""
        execution = self.executions.find(identifier)
        if execution is None or execution.status not in (*statuses.WAITING, statuses.RUNNING):
            return
        action = self.registry.find("action", execution.action)
        if action is None:
            message = f'Action "{execution.action}" cannot be found.'
            self.finish(execution, statuses.FAILED, {"error": message, "traceback": ""})
            return
        if not self._admit(execution):
            return
        outcome = self._carry_out(execution, action)
        if outcome is not None and not self.stopping:
            self.finish(execution, *outcome)

    def _admit(self, execution: Execution) -> bool:
        """Schedule an execution, unless a policy says otherwise."""
        with self.database.transaction():
            # Somebody may have canceled it since it was read.
            current = self.executions.status(execution.id)
            if current not in (*statuses.WAITING, statuses.RUNNING):
                return False
            if current != statuses.RUNNING:
                if not self.policies.admit(execution):
                    return False
                execution.due = None
                execution.set_status(statuses.SCHEDULED)
                execution.set_status(statuses.RUNNING)
                self.executions.save(execution)
        return True

    def _carry_out(self, execution: Execution, action: Resource) -> Outcome:
        try:
            runner = RUNNERS[self.registry.runner(action).name]
            own, inherited = action.data.get("parameters") or {}, self.registry.runner(action).parameters
            context = {**execution.context, "pack": action.pack}
            rendering = Rendering(self.templates, context, self.configs.get(action.pack, execution.user))
            runner_parameters, parameters = render_final(rendering, execution.parameters, own, inherited)
            return runner(Call(self, execution, action, runner_parameters, parameters))
        except Exception as error:
            trace = "".join(traceback.format_tb(error.__traceback__, 20))
            return statuses.FAILED, {"error": str(error), "traceback": trace}

    @contextmanager
    def action_token(self, execution: Execution) -> Iterator[str]:
        """A token for the time that an action runs."""
        token = self.auth.issue(execution.user or SYSTEM_USER, 24 * 3600, service=True)["token"]
        try:
            yield token
        finally:
            self.auth.revoke(token)

    def add_output(self, execution: Execution, kind: str, text: str) -> None:
        """Keep and publish what an execution prints."""
        self.executions.add_output(execution.id, kind, text)
        if self.stream.wanted:
            self.stream.publish("st2.execution.output__create", (execution, kind, text))

    def finish(self, execution: Execution, status: str, result: Any) -> None:
        """End an execution (or leave it waiting for an answer); what follows from it is done next."""
        with self.database.transaction():
            current = self.executions.status(execution.id)
            if current in statuses.COMPLETED:
                return
            fresh = self.executions.get(execution.id)
            fresh.result, fresh.process = result, None
            fresh.set_status(status)
            self.executions.save(fresh, with_result=True)
            self.database.after_commit(lambda: self.handle(fresh))

    def set_workflow_status(self, execution: Execution, status: str, result: Values) -> None:
        """Show a workflow's status on its execution."""
        if status in statuses.COMPLETED:
            self.finish(execution, status, result)
        elif status not in (execution.status, statuses.REQUESTED, statuses.SCHEDULED):
            execution.set_status(status)
            execution.result = result
            self.executions.save(execution, with_result=True)
            if status == statuses.PAUSED:
                self.database.after_commit(lambda: self.handle(execution))

    def handle(self, execution: Execution) -> None:
        """Do what follows from an execution's end; never raises."""
        self._safely(lambda: completion.handle(self, execution), execution)

    def _safely(self, do: Callable[[], None], execution: Execution) -> None:
        try:
            do()
        except Exception:
            if not self.stopping:
                LOG.exception("what follows from execution %s could not be done", execution.id)

    def cancel(self, execution: Execution, user: str | None) -> Execution:
        """Cancel; see `control.cancel`."""
        return control.cancel(self, execution, user)

    def pause(self, execution: Execution, user: str | None) -> Execution:
        """Pause a workflow; see `control.pause`."""
        return control.pause(self, execution, user)

    def resume(self, execution: Execution, user: str | None) -> Execution:
        """Resume a workflow; see `control.resume`."""
        return control.resume(self, execution, user)
