"""Finds deploys that nobody drives any more."""

from __future__ import annotations

import sys
from pathlib import Path

from st2reactor.sensor.base import PollingSensor

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import config, lost_deploys
from cicd.consul import Store
from cicd.errors import CicdError


class LostDeploySensor(PollingSensor):
    def setup(self):
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
        self._said = ""
        self._told = []

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
        found = list(lost_deploys.find(settings, Store(settings)))
        for payload in found:
            if payload not in self._told:
                self.sensor_service.dispatch(trigger="cicd.deploy_lost", payload=payload)
        self._told = found

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
