"""Builds that ended in Jenkins without their callback having reached the pack."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Iterator

from cicd import fields
from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.errors import JenkinsError
from cicd.jenkins import Jenkins

PATIENCE_SECONDS = 20  # a callback that is on its way


@dataclass(frozen=True)
class Finished:
    """One build that ended, as the trigger cicd.build_finished tells it."""

    payload: dict[str, Any]
    trace: str


def find(settings: Settings, store: Store, jenkins: Jenkins) -> Iterator[Finished]:
    """Yield the ended builds of all runs that still wait for theirs."""
    for project in settings.projects.values():
        for commit, run in store.runs(project.name).items():
            if run["stage"] == "building" and time.time() - run["at"] > PATIENCE_SECONDS:
                yield from _ended(jenkins, project, commit)


def _ended(jenkins: Jenkins, project: Project, commit: str) -> Iterator[Finished]:
    try:
        result = jenkins.of_commit(project, commit)
    except JenkinsError:  # still queued, or Jenkins is away: the next poll asks again
        return
    if result.status is not None:
        payload = {
            "project": project.name,
            "commit": commit,
            "build": result.number,
            "status": result.status,
        }
        yield Finished(payload, fields.trace_tag(project.repository, commit))
