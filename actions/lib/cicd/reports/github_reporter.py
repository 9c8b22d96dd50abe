"""Tell GitHub what became of commits: in order, each once, again later when it cannot be told now."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import Iterator, TypedDict

from cicd.ci.build_reconciler import Event
from cicd.ci.runs import Runs
from cicd.clients.github import GitHub, GitHubBusy
from cicd.clients.jenkins import job_path
from cicd.config import Project, Settings
from cicd.errors import GitHubError
from cicd.reports import report
from cicd.reports import told as memory
from cicd.reports.report import Report
from cicd.reports.told import StoredTold, Told
from cicd.store.store import Store

DUE = "cicd.report_due"
HISTORY = 60
RECENT_SECONDS = 600  # how old a run may be that is told when the first one ever is


class Telling(TypedDict):
    """How much was `told`, what is `left`, and the `problem` that GitHub had; empty for none."""

    told: int
    left: int
    problem: str


class WriteBack:
    """The reports of one project."""

    def __init__(self, settings: Settings, project: Project, store: Store, github: GitHub) -> None:
        self._settings = settings
        self._project = project
        self._store = store
        self._github = github
        self._runs = Runs(store, project.name)
        self._key = f"cicd/{project.name}/github"
        self._mine = uuid.uuid4().hex

    def is_due(self) -> bool:
        """Whether there is something to tell, and GitHub may be asked."""
        told = memory.parse(self._store.json(self._key, StoredTold) or {})
        return self._github.has_token and (told is None or bool(self._pending(told)))

    def tell(self) -> Telling:
        """Tell what is to be told."""
        if not self._github.has_token:
            return {"told": 0, "left": 0, "problem": "no github.token_file is configured"}
        told = self._claim()
        if told is None:
            return {
                "told": 0,
                "left": 0,
                "problem": "another action reports to GitHub, or it is left alone for now",
            }
        count, pending = 0, self._pending(told)
        try:
            while pending:
                told = self._tell(told, pending[0])
                if told.is_left_alone(time.time()):
                    break
                count, pending = count + 1, pending[1:] or self._pending(told)
        finally:
            self._write({"busy": "", "busy_until": 0})
        return {"told": count, "left": len(pending), "problem": told.problem}

    def _claim(self) -> Told | None:
        now = time.time()
        latest = self._store.history(self._project.name, 1)
        first = Told(latest[0]["generation"] if latest else 0, now - RECENT_SECONDS)

        def claimed(document: StoredTold) -> StoredTold:
            known = memory.claim(memory.parse(document) or first, self._mine, now)
            return {**document, **memory.as_json(known)} if known else document

        told = memory.parse(self._store.update(self._key, claimed)[1])
        return told if told and told.busy == self._mine else None

    def _pending(self, told: Told) -> list[Report]:
        if told.is_left_alone(time.time()):
            return []
        history = self._store.history(self._project.name, HISTORY)[::-1]
        runs = report.of_runs(
            self._runs.every(), told.ci, told.since, time.time(), self._project.lifecycle.first
        )
        return runs + report.of_history(history, told.generation)

    def _tell(self, told: Told, one: Report) -> Told:
        try:
            known = replace(self._post(told, one), tries=0, problem="")
        except GitHubBusy as error:
            return self._keep(memory.back_off(told, error.seconds, error.message, time.time()))
        except GitHubError as error:
            known = replace(told, problem=error.message)
        return self._keep(memory.mark(known, one))

    def _post(self, told: Told, one: Report) -> Told:
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
        if one.ring or one.execution:
            pattern = self._settings.github.details_url
            return pattern.replace("{execution}", one.execution) if one.execution else ""
        job = f"{self._settings.jenkins.url.rstrip('/')}/{job_path(self._project)}/"
        return f"{job}{one.build}/" if one.build else job

    def _keep(self, told: Told) -> Told:
        self._write(memory.as_json(told))
        return told

    def _write(self, changed: StoredTold) -> None:
        def written(now: StoredTold) -> StoredTold:
            return {**now, **changed}

        self._store.update(self._key, written)


def due(settings: Settings, store: Store, github: GitHub) -> Iterator[Event]:
    """Yield the event that has GitHub told, for every project of which there is something to tell."""
    for project in settings.projects.values():
        if WriteBack(settings, project, store, github).is_due():
            yield Event(DUE, {"project": project.name}, "")
