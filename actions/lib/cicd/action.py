"""The one place where the pack meets StackStorm: the base class of its Python actions."""

from __future__ import annotations

import os
from typing import Any

from st2common.runners.base_action import Action

from cicd import access, config, proxies
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.stackstorm import StackStorm
from cicd.text import neutral_data


class CicdAction(Action):  # type: ignore[misc]  # StackStorm ships no types
    """
    An action: configuration in, neutral data out, expected failures as `error` and `hint`.

    A subclass defines `act(settings, **parameters)`. Its result passes through the
    neutraliser, because StackStorm and Orquesta evaluate strings again as templates.
    """

    def run(self, **parameters: Any) -> tuple[bool, Any]:
        """Return `(succeeded, result)` as StackStorm's Python runner takes it."""
        proxies.spare_loopback()
        try:
            settings = config.parse(self.config)
            access.refuse(settings.access, access.step_of(type(self).__name__), parameters.get("user") or "")
            return True, neutral_data(self.act(settings, **parameters))
        except CicdError as error:
            return False, neutral_data(error.as_result())

    def act(self, settings: Settings, **parameters: Any) -> dict[str, Any]:
        """Do the work and return the result."""
        raise NotImplementedError

    def is_cancelled(self) -> bool:
        """
        Say whether somebody cancelled the workflow that this action is a step of.

        StackStorm lets the process of a step run on to its end, so a long one has to ask. No answer is no.
        """
        stackstorm = StackStorm()
        try:
            own = stackstorm.execution(os.environ["ST2_ACTION_EXECUTION_ID"], "parent")
            status = stackstorm.execution(own["parent"], "status")["status"] if own.get("parent") else ""
        except (CicdError, KeyError, TypeError, ValueError):
            return False
        return status in ("canceling", "canceled")
