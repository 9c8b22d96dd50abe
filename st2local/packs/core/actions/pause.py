"""Waits."""

from __future__ import annotations

import random as chance
import time

from st2common.runners.base_action import Action


class PauseAction(Action):  # type: ignore[misc]
    """Sleeps for the given time, or a random part of it."""

    def run(self, max_pause: int, random: bool = False) -> None:
        """Wait `max_pause` seconds at the most."""
        time.sleep(chance.random() * max_pause if random else max_pause)
