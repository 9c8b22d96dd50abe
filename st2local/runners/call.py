"""What a runner gets to carry out one execution, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from st2local.auth import Auth
from st2local.content.resources import Pack, Resource
from st2local.datastore import SYSTEM_USER
from st2local.engine.execution import Execution, Outcome
from st2local.engine.executions import Executions
from st2local.values import Values


@dataclass
class Call:
    """One execution about to be carried out, its parameters complete."""

    execution: Execution
    action: Resource
    pack: Pack
    runner_parameters: Values
    parameters: Values
    api_url: str
    executions: Executions
    auth: Auth

    @property
    def entry_point(self) -> str:
        """The absolute path of the action's file."""
        return str(self.pack.path / "actions" / self.action.data["entry_point"])

    def token(self) -> AbstractContextManager[str]:
        """A token for the time that the action runs."""
        return self.auth.lend(self.execution.user or SYSTEM_USER)

    def environment(self, token: str) -> dict[str, str]:
        """Return the variables that StackStorm gives every action."""
        return {
            "ST2_ACTION_PACK_NAME": self.action.pack,
            "ST2_ACTION_EXECUTION_ID": self.execution.id,
            "ST2_ACTION_API_URL": self.api_url,
            "ST2_ACTION_DEBUG": "False",
            "ST2_ACTION_AUTH_TOKEN": token,
        }

    def own_environment(self) -> dict[str, str]:
        """Return the variables of the parameter `env`."""
        given = self.runner_parameters.get("env") or {}
        kept = {str(name): str(value) for name, value in given.items() if str(name).lower() != "pythonpath"}
        return {name: value for name, value in kept.items() if "=" not in name and name}

    def on_output(self, kind: str, text: str) -> None:
        """Keep and publish what the action prints."""
        self.executions.add_output(self.execution, kind, text)

    def on_start(self, signature: str) -> None:
        """Keep which process carries it out."""
        self.executions.set_process(self.execution, signature)


Runner = Callable[[Call], Outcome]
