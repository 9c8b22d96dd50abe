"""One module per runner type: how an action of that type is carried out."""

from __future__ import annotations

from dataclasses import dataclass

from st2local.auth import Auth
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.parameters import ActionParameters
from st2local.runners.call import Call, Runner


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
        parameters = self._parameters.final(action, execution.parameters, execution.context)
        return runner(
            Call(execution, action, own_pack, *parameters, self._api_url, self._executions, self._auth)
        )
