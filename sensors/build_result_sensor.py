"""Asks CI servers for builds whose callback was lost, and Consul for those that were never started."""

from __future__ import annotations

import sys
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.ci import build_reconciler
from cicd.config import Settings
from cicd.sensor import CicdSensor
from cicd.store.store import Store


class BuildResultSensor(CicdSensor):
    def look(self, settings: Settings) -> None:
        for event in build_reconciler.find(settings, Store(settings)):
            self.dispatch(event.trigger, event.payload, event.trace)
