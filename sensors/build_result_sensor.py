"""Asks Jenkins for builds whose callback was lost, and Consul for those that were never started."""

from __future__ import annotations

import sys
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import watch
from cicd.consul import Store
from cicd.jenkins import Jenkins
from cicd.sensor import CicdSensor


class BuildResultSensor(CicdSensor):
    def look(self, settings):
        for event in watch.find(settings, Store(settings), Jenkins(settings)):
            self.dispatch(event.trigger, event.payload, event.trace)
