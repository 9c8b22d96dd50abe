"""What a runner gets to carry out one execution, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from st2local.content.resources import Resource
from st2local.engine.execution import Execution

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

Values = dict[str, Any]
Outcome = tuple[str, Any] | None


@dataclass
class Call:
    """One execution about to be carried out, its parameters complete."""

    engine: Engine
    execution: Execution
    action: Resource
    runner_parameters: Values
    parameters: Values

    @property
    def entry_point(self) -> str:
        """The absolute path of the action's file."""
        pack = self.engine.registry.packs[self.action.pack]
        return str(pack.path / "actions" / self.action.data["entry_point"])

    def environment(self, token: str) -> dict[str, str]:
        """Return the variables that StackStorm gives every action."""
        return {
            "ST2_ACTION_PACK_NAME": self.action.pack,
            "ST2_ACTION_EXECUTION_ID": self.execution.id,
            "ST2_ACTION_API_URL": self.engine.api_url,
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
        self.engine.add_output(self.execution, kind, text)

    def on_start(self, signature: str) -> None:
        """Keep which process carries it out."""
        self.engine.executions.set_process(self.execution, signature)


Runner = Callable[[Call], Outcome]
