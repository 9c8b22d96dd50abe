"""Tells of hosts that are not as their ring wants them, once each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.config import Settings
from cicd.fleet import drift, drift_log, drift_monitor
from cicd.sensor import CicdSensor
from cicd.store.store import Store

KNOWN = "known_drift"


class DriftSensor(CicdSensor):
    def prepare(self) -> None:
        self._watch = drift_monitor.Watch()

    def look(self, settings: Settings) -> None:
        known = json.loads(self.sensor_service.get_value(KNOWN) or "[]")
        store = Store(settings)
        found, is_sure = self._watch.look(settings, store), self._watch.is_sure(settings)
        # What could not be dispatched is not known: the next poll tells it again.
        for news in drift.news(found, known):
            self.dispatch("cicd.host_drifted", drift_monitor.payload(news))
        keys = [one.key for one in found]
        if keys != known:
            self.sensor_service.set_value(KNOWN, json.dumps(keys))
        for project in settings.projects:
            drift_log.keep(store, project, found, is_sure)
