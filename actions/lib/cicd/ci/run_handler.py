"""Take an event of GitHub Actions in: whose run it is, and a line of the log for one that is nobody's."""

from __future__ import annotations

import time
from typing import Tuple

from cicd.ci import event_log, reported_run
from cicd.ci.push import HEADS, Decision, Push
from cicd.ci.reported_run import Meaning, ReportedRun
from cicd.ci.runs import Runs
from cicd.config import Settings
from cicd.errors import InputError
from cicd.store.store import Store

SOURCE = "github"


def take(settings: Settings, store: Store, event: object) -> Tuple[ReportedRun, Meaning]:
    """
    Return the run that *event* tells of, and what it means.

    One that is ignored is recorded once it has ended, unless GitHub Actions builds no project of its
    repository: then its workflows are nobody's business here. InputError when the event has no run.
    """
    try:
        run = reported_run.parse(event)
    except InputError as error:
        event_log.refuse(store, error.message, SOURCE)
        raise
    projects = settings.projects_of(run.repository)
    known = {project.name: Runs(store, project.name).every() for project in projects}
    found = reported_run.meaning(run, projects, known)
    if found.reason and run.has_ended and reported_run.built_there(projects):
        _record(store, run, found)
    return run, found


def _record(store: Store, run: ReportedRun, found: Meaning) -> None:
    said = f"run {run.number} of {run.file or 'an unknown workflow'}: {found.reason}"
    push = Push(run.repository, f"{HEADS}{run.branch}", run.commit, SOURCE)
    event_log.record(store, push, "", Decision(False, said), SOURCE, time.time())
