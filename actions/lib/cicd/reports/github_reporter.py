"""Tell GitHub what became of commits: in order, each once, again later when it cannot be told now."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Iterator

from cicd.ci.build_reconciler import Event
from cicd.ci.runs import Runs
from cicd.clients.github import GitHub
from cicd.clock import is_ahead
from cicd.config import Project, Settings
from cicd.reports import links, report
from cicd.reports.outbox import Outbox, Telling, of_each
from cicd.reports.report import Report
from cicd.reports.told import LEASE_SECONDS, Told
from cicd.store.store import Store

DUE = "cicd.report_due"
HISTORY = 60


class WriteBack(Outbox[Report]):
    """The reports of one project."""

    def __init__(self, settings: Settings, project: Project, store: Store, github: GitHub) -> None:
        super().__init__(store, project.name, f"cicd/{project.name}/github", "GitHub")
        self._settings = settings
        self._project = project
        self._github = github
        self._runs = Runs(store, project.name)

    def is_due(self) -> bool:
        """Whether there is something to tell, and GitHub may be asked."""
        if not self._github.has_token:
            return False
        told = self.told()
        if told is None:
            return True
        return not is_ahead(told.busy_until, time.time(), LEASE_SECONDS) and bool(self._pending(told))

    def tell(self) -> Telling:
        """Tell what is to be told."""
        if not self._github.has_token:
            return {"told": 0, "left": 0, "problem": "no github.token_file is configured"}
        return super().tell()

    def pending(self, told: Told) -> list[Report]:
        """Return the reports of runs and changes after what was *told*."""
        name = self._project.name
        moved = self._store.generation(name) > told.generation
        history = self._store.history(name, HISTORY)[::-1] if moved else []
        runs = report.of_runs(
            self._runs.every(), told.ci, told.since, time.time(), self._project.lifecycle.first
        )
        return runs + report.of_history(history, told.generation)

    def post(self, told: Told, one: Report) -> Told:
        """Set the status of the commit that *one* is about, and the state of its deployment."""
        repository, url = self._project.repository, self._link(one)
        self._github.set_status(repository, one.commit, one.context, one.state, one.said, url)
        if not one.ring:
            return told
        deployments = dict(told.deployments)
        if one.state == report.PENDING:
            is_production = one.ring in self._project.lifecycle.productions
            number = self._github.create_deployment(repository, one.commit, one.ring, one.said, is_production)
            deployments[one.ring] = {"commit": one.commit, "id": number}
        known = deployments.get(one.ring)
        if known and known["commit"] == one.commit:
            self._github.set_deployment(repository, known["id"], one.state, one.said, url)
        return replace(told, deployments=deployments)

    def _link(self, one: Report) -> str:
        if page := links.of_page(self._settings, self._project.name, one.commit):
            return page
        if one.ring or one.execution:
            return links.of_execution(self._settings, one.execution)
        return links.of_build(self._settings, self._project, one.build)


def due(settings: Settings, store: Store, github: GitHub) -> Iterator[Event]:
    """Yield the event that has GitHub told, for every project of which there is something to tell."""

    def find(project: Project) -> Iterator[Event]:
        if WriteBack(settings, project, store, github).is_due():
            yield Event(DUE, {"project": project.name}, "")

    return of_each(settings.projects.values(), find)
