"""Tell GitHub what became of commits: in order, each once, again later when it cannot be told now."""

from __future__ import annotations

import time
import uuid
from typing import Any, Iterator

from cicd.ci.build_reconciler import Event
from cicd.ci.runs import Runs
from cicd.clients.github import LONGEST_WAIT_SECONDS, GitHub, GitHubBusy
from cicd.clients.jenkins import job_path
from cicd.clock import is_ahead
from cicd.config import Project, Settings
from cicd.errors import GitHubError
from cicd.reports import report
from cicd.reports.report import Report
from cicd.store.store import Store

DUE = "cicd.report_due"
HISTORY = 60
CI_KEPT = 600  # CI, package and canary of each run
LEASE_SECONDS = 90
RECENT_SECONDS = 600  # how old a run may be that is told when the first one ever is
BACKOFF_SECONDS = 900


class WriteBack:
    """
    The reports of one project.

    What was told is a document in Consul: the generation up to which changes were told, the
    words told of each commit, the last deployment of each ring, and until when GitHub is left alone.
    """

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
        told = self._store.get(self._key)
        if not self._github.has_token or (told and _is_left_alone(told)):
            return False
        return told is None or bool(self._pending(told))

    def tell(self) -> dict[str, Any]:
        """Tell what is to be told; returns how much was `told`, what is `left`, and GitHub's `problem`."""
        if not self._github.has_token:
            return {"told": 0, "left": 0, "problem": "no github.token_file is configured"}
        told = self._claim()
        if told is None:
            return {
                "told": 0,
                "left": 0,
                "problem": "GitHub is told by another action, or left alone for now",
            }
        count, pending = 0, self._pending(told)
        try:
            while pending:
                told = self._tell(told, pending[0])
                if _is_left_alone(told):
                    break
                count, pending = count + 1, pending[1:] or self._pending(told)
        finally:
            self._store.update(self._key, lambda now: {**now, "busy": "", "busy_until": 0})
        return {"told": count, "left": len(pending), "problem": str(told.get("problem", ""))}

    def _claim(self) -> dict[str, Any] | None:
        now = time.time()
        latest = self._store.history(self._project.name, 1)
        fresh: dict[str, Any] = {
            "generation": latest[0]["generation"] if latest else 0,
            "since": now - RECENT_SECONDS,
            "ci": {},
            "deployments": {},
        }

        def claimed(told: dict[str, Any]) -> dict[str, Any]:
            known: dict[str, Any] = told or fresh
            if is_ahead(known.get("busy_until", 0), now, LEASE_SECONDS) or _is_left_alone(known):
                return told
            return {**known, "busy": self._mine, "busy_until": now + LEASE_SECONDS}

        told = self._store.update(self._key, claimed)[1]
        return told if told.get("busy") == self._mine else None

    def _pending(self, told: dict[str, Any]) -> list[Report]:
        if _is_left_alone(told):
            return []
        history = self._store.history(self._project.name, HISTORY)[::-1]
        runs = report.of_runs(self._runs.every(), told["ci"], told["since"], time.time())
        return runs + report.of_history(history, int(told["generation"]))

    def _tell(self, told: dict[str, Any], one: Report) -> dict[str, Any]:
        try:
            known = {**self._post(told, one), "tries": 0, "problem": ""}
        except GitHubBusy as error:
            tries = int(told.get("tries", 0)) + 1
            wait = min(error.seconds * 2 ** min(tries - 1, 5), max(error.seconds, BACKOFF_SECONDS))
            later = {"tries": tries, "not_before": time.time() + wait, "problem": error.message}
            return self._keep({**told, **later})
        except GitHubError as error:
            known = {**told, "problem": error.message}
        return self._keep(_marked(known, one))

    def _post(self, told: dict[str, Any], one: Report) -> dict[str, Any]:
        repository, url = self._project.repository, self._link(one)
        self._github.set_status(repository, one.commit, one.context, one.state, one.said, url)
        if not one.ring:
            return told
        deployments = dict(told["deployments"])
        if one.state == report.PENDING:
            number = self._github.create_deployment(repository, one.commit, one.ring, one.said)
            deployments[one.ring] = {"commit": one.commit, "id": number}
        known = deployments.get(one.ring)
        if known and known["commit"] == one.commit:
            self._github.set_deployment(repository, known["id"], one.state, one.said, url)
        return {**told, "deployments": deployments}

    def _link(self, one: Report) -> str:
        if one.ring or one.execution:
            pattern = str(self._settings.github["details_url"])
            return pattern.replace("{execution}", one.execution) if one.execution else ""
        job = f"{str(self._settings.jenkins['url']).rstrip('/')}/{job_path(self._project)}/"
        return f"{job}{one.build}/" if one.build else job

    def _keep(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._store.update(self._key, lambda now: {**now, **told})[1]


def _is_left_alone(told: dict[str, Any]) -> bool:
    return is_ahead(told.get("not_before", 0), time.time(), LONGEST_WAIT_SECONDS)


def _marked(told: dict[str, Any], one: Report) -> dict[str, Any]:
    if one.ring:
        return {**told, "generation": max(int(told["generation"]), int(one.mark))}
    ci = {**{c: stage for c, stage in told["ci"].items() if c != one.about}, one.about: one.mark}
    return {**told, "ci": dict(list(ci.items())[-CI_KEPT:])}


def due(settings: Settings, store: Store, github: GitHub) -> Iterator[Event]:
    """Yield the event that has GitHub told, for every project of which there is something to tell."""
    for project in settings.projects.values():
        if WriteBack(settings, project, store, github).is_due():
            yield Event(DUE, {"project": project.name}, "")
