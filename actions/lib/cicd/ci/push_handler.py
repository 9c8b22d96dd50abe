"""Take a push in: decide for every project of its repository, open the run, give it a turn."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from cicd.ci import authors, event_log, push, run
from cicd.ci.push import Decision, Push, PushContext
from cicd.ci.queue_store import Turns
from cicd.ci.run import Before
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.release.transitions import Release
from cicd.store.store import Store


@dataclass(frozen=True)
class Outcome:
    """What became of a push in one project; *start* when its build may start now."""

    project: str
    decision: Decision
    start: bool = False


def take(settings: Settings, store: Store, given: Push, source: str, only: str = "") -> list[Outcome]:
    """
    Return what becomes of *given* in each project of its repository, or in *only* that one.

    Every decision is recorded, with *source*: github, missed or person.
    """
    projects = [settings.project(only)] if only else settings.projects_of(given.repository)
    outcomes = [_take(store, project, given) for project in projects]
    if not projects:
        outcomes = [Outcome("", push.decide(None, given, unusable=sorted(settings.unusable)))]
    for outcome in outcomes:
        event_log.record(store, given, outcome.project, outcome.decision, source, time.time())
    return outcomes


def _take(store: Store, project: Project, given: Push) -> Outcome:
    # What is not built today may be built tomorrow, by somebody else.
    if not given.deleted:
        authors.add(store, project.name, given.commit, given.authors)
    turns = Turns(store, project.name)
    stage = run.stage(turns.runs.find(given.commit))
    known = PushContext(stage, turns.lane(), _deployed(store.release(project.name)))
    decision = push.decide(project, given, known)
    if not decision.build:
        if push.is_for(project, given):
            turns.see(given)
        return Outcome(project.name, decision)
    return _open(turns, given, decision, stage)


def _open(turns: Turns, given: Push, decision: Decision, stage: Before) -> Outcome:
    said = (given.user, given.branch, decision.deploy, own_execution())
    accept = run.accept(time.time(), stage, *said)
    if not turns.runs.advance(given.commit, accept):
        return _declined(turns, decision, "another delivery of the same push was faster")
    event_log.forget_runs(turns.store, turns.project)
    waits_for = turns.take(given)
    if waits_for == given.commit:
        known = turns.runs.find(given.commit)
        by = known.by[:7] if known else ""
        return _declined(turns, decision, f"superseded by {by}, which was pushed after it")
    if not waits_for:
        return Outcome(turns.project, decision, start=True)
    turns.runs.advance(given.commit, run.wait(time.time()))
    reason = f"{decision.reason}; it waits for the build of {waits_for[:7]}"
    return Outcome(turns.project, replace(decision, reason=reason))


def _declined(turns: Turns, decision: Decision, reason: str) -> Outcome:
    return Outcome(turns.project, replace(decision, build=False, reason=reason))


def _deployed(release: Release) -> tuple[str, ...]:
    builds = [build for ring in release.rings.values() for build in (ring.wanted, ring.last_good)]
    return tuple(sorted({build.commit for build in builds if build}))
