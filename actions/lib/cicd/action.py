"""The one place where the pack meets StackStorm: the base class of its Python actions."""

from __future__ import annotations

from typing import Any

from st2common.runners.base_action import Action

from cicd import config
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.text import neutral_data


class CicdAction(Action):  # type: ignore[misc]  # StackStorm ships no types
    """
    An action: configuration in, neutral data out, expected failures as `error` and `hint`.

    A subclass defines `act(settings, **parameters)`. Its result passes through the
    neutraliser, because StackStorm and Orquesta evaluate strings again as templates.
    """

    def run(self, **parameters: Any) -> tuple[bool, Any]:
        """Return `(succeeded, result)` as StackStorm's Python runner takes it."""
        try:
            return True, neutral_data(self.act(config.parse(self.config), **parameters))
        except CicdError as error:
            return False, neutral_data(error.as_result())

    def act(self, settings: Settings, **parameters: Any) -> dict[str, Any]:
        """Do the work and return the result."""
        raise NotImplementedError
