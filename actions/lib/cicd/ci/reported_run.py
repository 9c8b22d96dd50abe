"""What a run of GitHub Actions that an event tells of means for the projects of its repository. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

from cicd.ci import github_event
from cicd.ci.run import STARTING, Run
from cicd.ci_choice import GITHUB_ACTIONS
from cicd.config import Project
from cicd.errors import InputError

FOLDER = ".github/workflows/"
DISPATCH = "workflow_dispatch"
STARTED, PASSED, FAILED, IGNORED = "started", "passed", "failed", "ignored"
Runs = Mapping[str, Run]  # by commit


@dataclass(frozen=True)
class ReportedRun:
    """A run as its event tells of it, which is only a hint to look; *home* is whose code it ran."""

    number: int
    repository: str
    commit: str
    branch: str
    file: str
    event: str
    home: str
    state: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be told of it."""
        return self.state in (PASSED, FAILED)


@dataclass(frozen=True)
class Meaning:
    """Which *project* has the run, or why it is ignored."""

    project: str = ""
    reason: str = ""


def parse(event: object) -> ReportedRun:
    """Return the run that GitHub's own *event*, or a reduced one, tells of. Raises InputError."""
    kept = github_event.run_fields(event)
    odd = github_event.unusable_run(kept)
    if odd:
        raise InputError(f"{odd[0].upper()}{odd[1:]}.", "Nothing was changed.")
    run, repository = kept["workflow_run"], kept["repository"]["full_name"]
    return ReportedRun(
        run["id"],
        repository,
        run["head_sha"],
        run.get("head_branch", ""),
        run.get("path", "")[len(FOLDER) :],
        run.get("event", ""),
        run.get("head_repository", {}).get("full_name", repository),
        _state(kept.get("action", ""), run.get("conclusion", "")),
    )


def meaning(run: ReportedRun, projects: Sequence[Project], known: Mapping[str, Runs]) -> Meaning:
    """Return what *run* means, for the *projects* of its repository, whose runs are *known* by project."""
    built = built_there(projects)
    asked = [one for one in built if one.ci.workflow == run.file]
    reason = _foreign(run, built, asked)
    if reason:
        return Meaning(reason=reason)
    names = [one.name for one in asked]
    found = _owners(run, names, known, _recorded) or _owners(run, names, known, _starting)
    if not found:
        return Meaning(reason=f"no run of {' or '.join(names)} asked for it")
    if len(found) > 1:
        return Meaning(reason=f"{' and '.join(found)} start one now, and the next poll tells which this is")
    ((name, commit),) = found.items()
    if commit != run.commit:
        return Meaning(reason=f"it builds {run.commit[:7]}, and {name} asked for {commit[:7]}")
    return Meaning(name)


def built_there(projects: Sequence[Project]) -> list[Project]:
    """Return those of *projects* whose CI is GitHub Actions."""
    return [one for one in projects if one.ci.driver == GITHUB_ACTIONS]


def _foreign(run: ReportedRun, built: Sequence[Project], asked: Sequence[Project]) -> str:
    if not built:
        return f"no project of {run.repository} is built by GitHub Actions"
    if run.home.lower() != run.repository.lower():
        return f"it runs the code of the fork {run.home}"
    if run.event != DISPATCH:
        return f"it was begun by {run.event or 'something unknown'}, and not by this pack"
    return "" if asked else f"{run.file or 'its file'} is the workflow of no project"


def _owners(
    run: ReportedRun, names: Sequence[str], known: Mapping[str, Runs], of: Callable[[ReportedRun, Runs], str]
) -> Mapping[str, str]:
    found = {name: of(run, known[name]) for name in names}
    return {name: commit for name, commit in found.items() if commit}


def _recorded(run: ReportedRun, runs: Runs) -> str:
    """Return the commit for which *run* was begun."""
    return next((one for one, known in runs.items() if run.number in (known.queue_id, known.build)), "")


def _starting(run: ReportedRun, runs: Runs) -> str:
    """Return the commit for which *run* may have been begun: its start is being recorded."""
    known_here = runs.get(run.commit)
    return run.commit if known_here and known_here.stage == STARTING else ""


def _state(action: str, conclusion: str) -> str:
    if action == "completed":
        return PASSED if conclusion == "success" else FAILED
    return STARTED if action == "in_progress" else IGNORED
