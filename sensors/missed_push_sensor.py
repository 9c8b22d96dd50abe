"""Asks GitHub for pushes that its webhooks did not tell, and has it told what it could not be told before."""

from __future__ import annotations

import sys
from pathlib import Path

from st2reactor.sensor.base import PollingSensor

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import config, missed, writeback
from cicd.consul import Store
from cicd.errors import CicdError
from cicd.github import GitHub


class MissedPushSensor(PollingSensor):
    def setup(self):
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
        self._said = {}
        self._missed = missed.Missed()

    def poll(self):
        # StackStorm gives a sensor up for good after three failures: nothing may escape.
        for look in (self._report, self._look, self._redeliver):
            try:
                look()
                self._said[look.__name__] = ""
            except CicdError as error:
                self._say_once(look.__name__, f"{error.message} {error.hint}")
            except Exception:
                self._logger.exception("poll failed")

    def _report(self):
        settings = config.parse(self.config)
        for event in writeback.due(settings, Store(settings), GitHub(settings)):
            self._dispatch(event)

    def _look(self):
        settings = config.parse(self.config)
        for event in self._missed.find(settings, Store(settings), GitHub(settings)):
            self._logger.info("%s was pushed, and nobody told", event.trace)
            self._dispatch(event)

    def _redeliver(self):
        settings = config.parse(self.config)
        count = missed.redeliver(settings, GitHub(settings))
        if count:
            self._logger.info("GitHub was asked to deliver %d events again", count)

    def _dispatch(self, event):
        self.sensor_service.dispatch(
            trigger=event.trigger, payload=event.payload, trace_tag=event.trace or None
        )

    def _say_once(self, look, sentence):
        if sentence != self._said.get(look):
            self._logger.warning("%s", sentence)
        self._said[look] = sentence

    def cleanup(self):
        pass

    def add_trigger(self, trigger):
        pass

    def update_trigger(self, trigger):
        pass

    def remove_trigger(self, trigger):
        pass
