"""Asks GitHub for pushes that its webhooks did not tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Sequence

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.ci import missed_pushes
from cicd.clients.github import GitHub
from cicd.config import Settings
from cicd.sensor import CicdSensor
from cicd.store.store import Store


class MissedPushSensor(CicdSensor):
    def prepare(self) -> None:
        self._missed = missed_pushes.Missed()

    def looks(self) -> Sequence[Callable[[Settings], None]]:
        return (self._find, self._redeliver)

    def _find(self, settings: Settings) -> None:
        for event in self._missed.find(settings, Store(settings), GitHub(settings)):
            self._logger.info("%s was pushed, and nobody reported it", event.trace)
            self.dispatch(event.trigger, event.payload, event.trace)

    def _redeliver(self, settings: Settings) -> None:
        count = missed_pushes.redeliver(settings, GitHub(settings))
        if count:
            self._logger.info("GitHub was asked to deliver %d events again", count)
