"""How far the run of a commit came after CI, and where and why it stopped, beside the run in Consul."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping

from cicd.ci import step_times
from cicd.ci.run import Run
from cicd.ci.runs import Runs
from cicd.ci.step_times import StepTime
from cicd.release.stop import Stop
from cicd.sanitize import age
from cicd.store.store import Store

CI = "CI"
PUBLISH, PUBLISHED, ADVERTISE = "publish package", "published", "advertise canary"
PACKAGING = (
    *("find build host", "fetch commit", "read metadata", "build tree", "build package", "compare builds"),
    PUBLISH,
)
SILENT_SECONDS = 7200  # longer than any step of packaging may take


def began(store: Store, project: str, commit: str, step: str, now: float) -> None:
    """Record that *step* of the run of *commit* began; what stopped it before is over."""
    Runs(store, project).update(commit, lambda run: replace(run, step=step, step_at=now, stop=None))


def ended(
    store: Store, project: str, commit: str, action: str, time: StepTime, is_later_ring: bool = False
) -> None:
    """Record how long *action* took of the run of *commit*, whatever came of it."""

    def timed(run: Run) -> Run:
        return replace(run, times=step_times.acted(run.times, action, time, is_later_ring))

    Runs(store, project).update(commit, timed)


def published(store: Store, project: str, commit: str, version: str, now: float) -> None:
    """Record that the run of *commit* published its package."""
    Runs(store, project).update(
        commit, lambda run: replace(run, step=PUBLISHED, step_at=now, stop=None, version=version)
    )


def stopped(store: Store, project: str, commit: str, ended: Stop) -> None:
    """Record where and why the run of *commit* stopped; nothing when there is no such run."""
    Runs(store, project).update(commit, lambda run: replace(run, stop=ended))


def of(run: Run, now: float) -> Stop | None:
    """Return where *run* stopped, also when it was killed without a word; None while it goes on."""
    if run.stop or run.step not in PACKAGING or now - run.step_at < SILENT_SECONDS:
        return run.stop
    return Stop(run.step, "it gave no sign of life; it was cancelled, or killed.", when=run.step_at)


def sentences(project: str, runs: Mapping[str, Run], now: float) -> list[str]:
    """Return where the newest of *runs* stopped before it came to a ring, and what is next; or its doubt."""
    if not runs:
        return []
    commit = max(runs, key=lambda one: runs[one].at)
    ended = of(runs[commit], now)
    if ended is None or is_of_ring(ended):
        doubt = runs[commit].doubt
        return [f"the package of {commit[:7]} is {doubt}"] if doubt else []
    return [f"the run of {commit[:7]} stopped {age(now - ended.when)} ago {told(project, commit, ended)}"]


def told(project: str, commit: str, ended: Stop) -> str:
    """Return where and why the run of *commit* stopped, in which execution, and what is next."""
    where = f" (execution {ended.execution})" if ended.execution else ""
    again = f"st2 run cicd.publish_apt_package project={project} commit={commit}"
    following = ended.hint or (again if ended.step in PACKAGING else "")
    return f"{ended.sentence}{where}{f' Next: {following}' if following else ''}"


def is_of_ring(ended: Stop) -> bool:
    """Whether a ring's own record says the same."""
    return ": " in ended.step
