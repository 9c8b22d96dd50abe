"""Finds deploys that nobody drives any more, and rings that got well after theirs had ended badly."""

from __future__ import annotations

import sys
import time
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.clock import Sightings
from cicd.config import Settings
from cicd.deploy import lost_deploys
from cicd.sensor import CicdSensor
from cicd.store.store import Store


class LostDeploySensor(CicdSensor):
    def prepare(self) -> None:
        self._told, self._seen = lost_deploys.Told(), Sightings()

    def look(self, settings: Settings) -> None:
        found = list(lost_deploys.find(settings, Store(settings), self._seen))
        for event in self._told.news(found, time.monotonic()):
            self.dispatch(*event)
