"""Tells of hosts that are not as their ring wants them, once each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from st2reactor.sensor.base import PollingSensor

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import config, drift, drift_watch
from cicd.consul import Store
from cicd.errors import CicdError

KNOWN = "known_drift"


class DriftSensor(PollingSensor):
    def setup(self):
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
        self._watch = drift_watch.Watch()
        self._said = ""

    def poll(self):
        # StackStorm gives a sensor up for good after three failures: nothing may escape.
        try:
            self._look()
            self._said = ""
        except CicdError as error:
            self._say_once(f"{error.message} {error.hint}")
        except Exception:
            self._logger.exception("poll failed")

    def _look(self):
        settings = config.parse(self.config)
        known = json.loads(self.sensor_service.get_value(KNOWN) or "[]")
        found = self._watch.look(settings, Store(settings))
        # What could not be dispatched is not known: the next poll tells it again.
        for news in drift.news(found, known):
            self.sensor_service.dispatch(trigger="cicd.host_drifted", payload=drift_watch.payload(news))
        keys = [one.key for one in found]
        if keys != known:
            self.sensor_service.set_value(KNOWN, json.dumps(keys))

    def _say_once(self, sentence):
        if sentence != self._said:
            self._logger.warning("%s", sentence)
        self._said = sentence

    def cleanup(self):
        pass

    def add_trigger(self, trigger):
        pass

    def update_trigger(self, trigger):
        pass

    def remove_trigger(self, trigger):
        pass
