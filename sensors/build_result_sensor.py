"""Asks Jenkins for builds whose callback was lost, and Consul for those that were never started."""

from __future__ import annotations

import sys
from pathlib import Path

from st2reactor.sensor.base import PollingSensor

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import config, watch
from cicd.consul import Store
from cicd.errors import CicdError
from cicd.jenkins import Jenkins


class BuildResultSensor(PollingSensor):
    def setup(self):
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
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
        for event in watch.find(settings, Store(settings), Jenkins(settings)):
            self.sensor_service.dispatch(trigger=event.trigger, payload=event.payload, trace_tag=event.trace)

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
