"""All parts of a server, each given what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from st2local import process
from st2local.auth import Auth
from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.database import Database
from st2local.datastore import Datastore
from st2local.engine.aliases import Aliases
from st2local.engine.cancel_pause_resume import CancelPauseResume
from st2local.engine.enabled import Enabled
from st2local.engine.enforcement import Enforcement
from st2local.engine.executions import Executions
from st2local.engine.garbage import Garbage
from st2local.engine.inquiries import Inquiries
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.on_execution_end import OnExecutionEnd
from st2local.engine.policies import Policies
from st2local.engine.reload import Reload
from st2local.engine.request_execution import ExecutionRequests
from st2local.engine.rerun import Reruns
from st2local.engine.rules import Rules
from st2local.engine.sensors import Sensors
from st2local.engine.timers import Timers
from st2local.engine.traces import Traces
from st2local.engine.triggers import Triggers
from st2local.engine.workflow_steps import WorkflowSteps
from st2local.engine.workflow_store import WorkflowStore
from st2local.engine.workflows import Workflows
from st2local.fork_server import ForkServers
from st2local.parameters import ActionParameters
from st2local.runners import Runners, http_request, python_script, remote, shell, simple
from st2local.runners.call import Runner
from st2local.stream import Stream
from st2local.templates import Templates
from st2local.virtualenvs import Virtualenvs


@dataclass(frozen=True)
class Settings:
    """Where everything is."""

    packs: list[Path]
    configs: Path | None
    data: Path
    virtualenvs: Path
    pack_python: str
    host: str
    api_port: int
    auth_port: int
    stream_port: int
    password_file: Path | None
    keep_days: int
    web: Path | None
    web_port: int

    @property
    def api_url(self) -> str:
        """What actions and sensors are told."""
        return f"http://{self.host}:{self.api_port}/v1"

    @property
    def web_url(self) -> str:
        """Where people find executions: the web UI, if it is served."""
        return f"http://{self.host}:{self.web_port if self.web else self.api_port}"


class Engine:
    """What the API asks, and what the server starts and stops."""

    def __init__(self, settings: Settings) -> None:
        """Read the packs and open the data directory; raises RefusedError where that is impossible."""
        self.api_url, self.web_url = settings.api_url, settings.web_url
        self._open(settings)
        self._carry_out_executions()
        self._react(settings)

    def _open(self, settings: Settings) -> None:
        self.registry = Registry.of(settings.packs)
        self.database = Database(settings.data / "st2local.sqlite")
        self.auth = Auth(self.database, settings.password_file)
        self.traces = Traces(self.database)
        self.triggers = Triggers(self.database, self.registry, self.traces)
        self.datastore = Datastore(
            self.database, settings.data / "datastore.key", self.triggers.dispatch_key_event
        )
        self.templates = Templates(self.datastore)
        self.configs = Configs(self.registry, settings.configs, self.templates, self.datastore)
        self.virtualenvs = Virtualenvs(self.registry, settings.virtualenvs, settings.pack_python)
        self.stream = Stream()
        self.executions = Executions(self.database, self.stream)
        self.enabled = Enabled(self.database, self.registry)
        self.parameters = ActionParameters(self.registry, self.templates, self.configs)

    def _carry_out_executions(self) -> None:
        self._fork_servers = ForkServers()
        policies = Policies(self.enabled, self.executions)
        requests = ExecutionRequests(self.database, self.registry, self.enabled, self.executions, self.traces)
        self.lifecycle = Lifecycle(self.database, self.registry, self.executions, policies, requests)
        store = WorkflowStore(self.database, self.datastore)
        steps = WorkflowSteps(self.registry, self.parameters, self.lifecycle, store)
        workflows = Workflows(self.registry, self.executions, self.lifecycle, store, steps, self.api_url)
        self.changes = CancelPauseResume(self.database, self.executions, self.lifecycle, workflows)
        end = OnExecutionEnd(
            self.registry, policies, self.lifecycle, self.templates, self.triggers, self.traces
        )
        runners = Runners(
            self.registry, self.parameters, self.executions, self.auth, self.api_url,
            self._runners(workflows, Reruns(self.executions, workflows, store)),
        )  # fmt: skip
        self.lifecycle.attach(runners.run, workflows.on_child, end.handle)

    def _runners(self, workflows: Workflows, reruns: Reruns) -> dict[str, Runner]:
        return {
            "announcement": partial(simple.run_announcement, self.stream),
            "http-request": http_request.run,
            "inquirer": partial(simple.run_inquirer, self.triggers),
            "local-shell-cmd": shell.run_command,
            "local-shell-script": shell.run_script,
            "noop": simple.run_noop,
            "orquesta": partial(simple.run_orquesta, workflows, reruns),
            "python-script": partial(python_script.run, self.virtualenvs, self.configs, self._fork_servers),
            "remote-shell-cmd": remote.run_command,
            "remote-shell-script": remote.run_script,
        }

    def _react(self, settings: Settings) -> None:
        enforcement = Enforcement(self.database, self.registry, self.traces, self.parameters, self.lifecycle)
        self._rules = Rules(
            self.database, self.registry, self.enabled, self.triggers, self.templates, enforcement
        )
        self._timers = Timers(self.registry, self._rules, self.triggers)
        self._sensors = Sensors(
            self.registry,
            self.enabled,
            self.virtualenvs,
            self.configs,
            self.auth,
            self.triggers,
            self.api_url,
        )
        self._garbage = Garbage(self.database, settings.keep_days)
        self.aliases = Aliases(self.registry, self.enabled, self.templates)
        self.inquiries = Inquiries(self.database, self.executions, self.lifecycle, self.changes)
        self.reload = Reload(
            self.registry, self.configs, self.virtualenvs,
            self._rules.reload, self._timers.reload, self._sensors.reload,
        )  # fmt: skip

    def start(self) -> None:
        """Begin to work, with what a former server left."""
        for part in (self.lifecycle, self._rules, self._timers, self._sensors, self._garbage):
            part.start()

    def stop(self) -> None:
        """Stop; executions that run are carried out again by the next start."""
        self.lifecycle.stopping = True
        for part in (self._garbage, self._sensors, self._timers, self._rules, self.lifecycle):
            part.stop()
        process.kill_all()
        self._fork_servers.close()
