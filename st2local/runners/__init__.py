"""One module per runner type: how an action of that type is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from st2local.auth import Auth
from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine.action_parameters import ActionParameters
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.engine.rerun import Reruns
from st2local.engine.triggers import Triggers
from st2local.engine.workflows import Workflows
from st2local.runners import http_request, python_script, remote, shell, simple
from st2local.runners.call import Call, Runner
from st2local.stream import Stream
from st2local.virtualenvs import Virtualenvs


def by_name(
    stream: Stream, triggers: Triggers, workflows: Workflows, reruns: Reruns, virtualenvs: Virtualenvs,
    configs: Configs,
) -> dict[str, Runner]:  # fmt: skip
    """Return the runners, each with what it uses."""
    return {
        "announcement": partial(simple.run_announcement, stream),
        "http-request": http_request.run,
        "inquirer": partial(simple.run_inquirer, triggers),
        "local-shell-cmd": shell.run_command,
        "local-shell-script": shell.run_script,
        "noop": simple.run_noop,
        "orquesta": partial(simple.run_orquesta, workflows, reruns),
        "python-script": partial(python_script.run, virtualenvs, configs),
        "remote-shell-cmd": remote.run_command,
        "remote-shell-script": remote.run_script,
    }


@dataclass
class Runners:
    """Carries out executions, each by the runner of its action."""

    _registry: Registry
    _parameters: ActionParameters
    _executions: Executions
    _auth: Auth
    _api_url: str
    _runners: dict[str, Runner]

    def run(self, execution: Execution, action: Resource) -> Outcome:
        """Carry out an execution; raises whatever its runner raises."""
        runner = self._runners[self._registry.runner(action).name]
        own_pack = self._registry.packs[action.pack]
        parameters = self._parameters.final(action, execution)
        return runner(
            Call(execution, action, own_pack, *parameters, self._api_url, self._executions, self._auth)
        )
