"""The first code that sees an event of GitHub Actions: whose run it is, as identifiers alone."""

from __future__ import annotations

import time
from typing import Any

from cicd.action import CicdAction
from cicd.ci import event_log, reported_run
from cicd.ci.push import HEADS, Decision, Push
from cicd.ci.reported_run import IGNORED, Meaning, ReportedRun
from cicd.ci.runs import Runs
from cicd.config import Settings
from cicd.errors import InputError
from cicd.store.store import Store

SOURCE = "github"


class ReadWorkflowRun(CicdAction):
    def act(self, settings: Settings, event: dict[str, Any]) -> dict[str, Any]:
        store = Store(settings)
        try:
            run = reported_run.parse(event)
        except InputError as error:
            event_log.refuse(store, error.message, SOURCE)
            raise
        projects = settings.projects_of(run.repository)
        known = {project.name: Runs(store, project.name).every() for project in projects}
        found = reported_run.meaning(run, projects, known)
        if found.reason and run.has_ended:
            _record(store, run, found)
        return {
            "message": f"run {run.number} of {run.repository}: {found.reason or run.state}",
            "project": found.project,
            "commit": run.commit,
            "build": run.number,
            "state": run.state if found.project else IGNORED,
        }


def _record(store: Store, run: ReportedRun, found: Meaning) -> None:
    said = f"run {run.number} of {run.file or 'an unknown workflow'}: {found.reason}"
    push = Push(run.repository, f"{HEADS}{run.branch}", run.commit, SOURCE)
    event_log.record(store, push, "", Decision(False, said), SOURCE, time.time())
