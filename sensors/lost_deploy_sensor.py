"""Finds what nobody asks for: deploys that died, rings that got well, what is due, and who is told."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Callable, Sequence

# StackStorm gives a sensor neither actions/lib nor the pack's root.
sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd.analysis import looks
from cicd.clients.github import GitHub
from cicd.clock import Sightings
from cicd.config import Settings
from cicd.deploy import auto_promotions, lost_deploys, stale_documents, traffic_shares
from cicd.provisioning import lost_machines
from cicd.reports import github_reporter, notifier
from cicd.sensor import CicdSensor
from cicd.store.store import Store


class LostDeploySensor(CicdSensor):
    def prepare(self) -> None:
        self._told, self._seen = lost_deploys.Told(), Sightings()
        self._refreshed, self._sweeps = lost_deploys.Told(), lost_machines.Sweeps()

    def looks(self) -> Sequence[Callable[[Settings], None]]:
        return (self.look, self._refresh, self._sweep, self._notify, self._report)

    def look(self, settings: Settings) -> None:
        store = Store(settings)
        found: list[lost_deploys.Event] = [
            *lost_deploys.find(settings, store, self._seen),
            *traffic_shares.find(settings, store),
            *auto_promotions.find(settings, store),
            *looks.find(settings, store),
        ]
        for event in self._told.news(found, time.monotonic()):
            self.dispatch(*event)

    def _refresh(self, settings: Settings) -> None:
        found = list(stale_documents.find(settings, Store(settings)))
        for event in self._refreshed.news(found, time.monotonic()):
            self.dispatch(*event)

    def _sweep(self, settings: Settings) -> None:
        names = self._sweeps.due(settings, time.monotonic())
        if names is not None:
            self.dispatch("cicd.machines_due", {"machines": names})

    def _notify(self, settings: Settings) -> None:
        for event in notifier.due(settings, Store(settings)):
            self.dispatch(event.trigger, event.payload, event.trace)

    def _report(self, settings: Settings) -> None:
        for event in github_reporter.due(settings, Store(settings), GitHub(settings)):
            self.dispatch(event.trigger, event.payload, event.trace)
