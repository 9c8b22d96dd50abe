"""Finds deploys that nobody drives any more, and rings that got well after theirs had ended badly."""

from __future__ import annotations

import sys
from pathlib import Path

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import lost_deploys, recovered
from cicd.consul import Store
from cicd.sensor import CicdSensor


class LostDeploySensor(CicdSensor):
    def prepare(self):
        self._told = []

    def look(self, settings):
        store = Store(settings)
        found = [("cicd.deploy_lost", payload) for payload in lost_deploys.find(settings, store)]
        found += [("cicd.ring_recovered", payload) for payload in recovered.find(settings, store)]
        for event in found:
            if event not in self._told:
                self.dispatch(*event)
        self._told = found
