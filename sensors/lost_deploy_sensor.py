"""Finds what nobody asks for: deploys that died, rings that got well, what is due by itself, and notices."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Callable, Sequence

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.analysis import looks
from cicd.clock import Sightings
from cicd.config import Settings
from cicd.deploy import auto_promotions, lost_deploys, traffic_shares
from cicd.reports import notifier
from cicd.sensor import CicdSensor
from cicd.store.store import Store


class LostDeploySensor(CicdSensor):
    def prepare(self) -> None:
        self._told, self._seen = lost_deploys.Told(), Sightings()

    def looks(self) -> Sequence[Callable[[Settings], None]]:
        return (self.look, self._notify)

    def look(self, settings: Settings) -> None:
        store = Store(settings)
        found: list[lost_deploys.Event] = [
            *lost_deploys.find(settings, store, self._seen),
            *traffic_shares.find(settings, store),
            *auto_promotions.find(settings, store),
            *looks.find(settings, store),
        ]
        for event in self._told.news(found, time.monotonic()):
            self.dispatch(*event)

    def _notify(self, settings: Settings) -> None:
        for event in notifier.due(settings, Store(settings)):
            self.dispatch(event.trigger, event.payload, event.trace)
