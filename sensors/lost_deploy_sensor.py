"""Finds deploys that nobody drives any more."""

from __future__ import annotations

import sys
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import lost_deploys
from cicd.consul import Store
from cicd.sensor import CicdSensor


class LostDeploySensor(CicdSensor):
    def prepare(self):
        self._told = []

    def look(self, settings):
        found = list(lost_deploys.find(settings, Store(settings)))
        for payload in found:
            if payload not in self._told:
                self.dispatch("cicd.deploy_lost", payload)
        self._told = found
