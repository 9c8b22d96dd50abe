"""GitHub Actions as a CI server: one workflow, started by `workflow_dispatch`, read again by its run."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, Mapping, Union, cast
from urllib.parse import urlsplit

from cicd import identifiers
from cicd.clients import streams
from cicd.clients.ci_server import CLOCK_SECONDS, CONSOLE_LINES, SUCCESS, BuildResult, CiServer, QueueItem
from cicd.clients.github import PAGE, GitHub, GitHubBusy
from cicd.clients.github_actions_pages import Dispatched, Jobs, WorkflowDocument, WorkflowRun, WorkflowRuns
from cicd.clients.github_artifacts import GitHubArtifacts
from cicd.config import Project, Settings
from cicd.errors import CiAway, CiError, CiMissing, CiMoved, CiSilent, GitHubError
from cicd.sanitize import neutral

Params = Dict[str, Union[int, str]]

FOLDER = ".github/workflows"
EVENT = "workflow_dispatch"
WAITING = ("queued", "requested", "waiting", "pending")
COMPLETED = "completed"
# GitHub's words for an end, as a build's status; any other one is its own in capitals.
STATUSES = {"success": SUCCESS, "cancelled": "ABORTED", "skipped": "NOT_BUILT"}
STAMP = re.compile(r"\A\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ")
ERROR = "##[error]"
HEAD_END = "##[endgroup]"
HEADS = ("##[group]", HEAD_END)
NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422


class GitHubActions(CiServer):
    """
    The workflows of the projects' repositories, as the configured token sees them.

    A dispatch runs the newest commit of a branch. So a build is one of a commit when the run's head is
    that very commit: GitHub says it, and nothing in the repository can.
    """

    name = "GitHub Actions"
    start_timeout = (
        120  # it is asked up to five times, each for 15 s, and lists a run a while after it was made
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._github = GitHub(settings)
        self._uploads: Dict[int, GitHubArtifacts] = {}
        self.queue_timeout = settings.github.queue_timeout
        self.build_timeout = settings.github.build_timeout

    def answers(self, project: Project) -> bool:
        found = cast(WorkflowDocument, self._ask(project, "GET", _workflow(project)))
        if found.get("state") == "active":
            return True
        raise CiError(
            f"{project.ci.workflow} of {project.repository} is {neutral(str(found.get('state')), 40)}.",
            f"Enable it: {self.page(project)}",
        )

    def start(self, project: Project, commit: str, branch: str) -> int:
        self._refuse_other_head(project, commit, branch, self._head(project, branch))
        number = self._dispatch(project, commit, branch)
        head = self._head_of_run(project, number) if number else commit
        if head != commit:
            self.stop(project, number)
        self._refuse_other_head(project, commit, branch, head)
        return number

    def wanted(self, project: Project, commit: str, branch: str) -> Mapping[str, str]:
        return {
            "PROJECT": project.name,
            "COMMIT": commit,
            "HEAD": commit,
            "BRANCH": branch,
            "WORKFLOW": f"{FOLDER}/{project.ci.workflow}",
            "EVENT": EVENT,
            "REPOSITORY": project.repository.lower(),
        }

    def queue_item(self, project: Project, queue_id: int) -> QueueItem | None:
        try:
            found = self._run(project, queue_id)
        except CiMissing:
            return None
        return QueueItem(0 if found["status"] in WAITING else queue_id)

    def started(self, project: Project, commit: str, branch: str, since: float) -> int:
        wanted = self.wanted(project, commit, branch)
        found = [one for one in self.results(project, commit) if one.parameters == wanted]
        return next((one.number for one in found if one.started > since - CLOCK_SECONDS), 0)

    def result(self, project: Project, number: int) -> BuildResult:
        return _result(self._run(project, number))

    def results(self, project: Project, commit: str) -> list[BuildResult]:
        given: Params = {"event": EVENT, "head_sha": identifiers.check("commit", commit), "per_page": PAGE}
        page = cast(WorkflowRuns, self._ask(project, "GET", f"{_workflow(project)}/runs", params=given))
        found = map(_result, page["workflow_runs"])
        return [one for one in found if (one.parameters["PROJECT"], one.commit) == (project.name, commit)]

    def stop(self, project: Project, number: int) -> None:
        try:
            self._ask(project, "POST", f"runs/{number}/cancel")
        except _Conflict:
            return  # it ended meanwhile

    def cancel(self, project: Project, queue_id: int) -> None:
        self.stop(project, queue_id)

    def console_tail(self, project: Project, number: int) -> str:
        given: Params = {"filter": "latest", "per_page": PAGE}
        jobs = cast(Jobs, self._ask(project, "GET", f"runs/{number}/jobs", params=given))["jobs"]
        failed = [job for job in jobs if job.get("conclusion") not in ("success", "skipped", None)]
        if not (failed or jobs):
            return ""
        path = f"repos/{project.repository}/actions/jobs/{(failed or jobs)[0]['id']}/logs"
        with self._refusals(project):
            text = streams.tail(self._github.stream(path))
        return neutral("\n".join(failed_step(text.rstrip().splitlines())[-CONSOLE_LINES:]), 2000)

    def artifacts(self, project: Project, number: int) -> list[str]:
        with self._refusals(project):
            return self._uploaded(project, number).paths()

    def download(
        self, project: Project, number: int, path: str, write: Callable[[bytes], object], limit: int
    ) -> int:
        with self._refusals(project):
            return self._uploaded(project, number).copy(path, write, limit)

    def page(self, project: Project, number: int = 0) -> str:
        return page(self._settings, project, number)

    def console_page(self, project: Project, number: int) -> str:
        return self.page(project, number)

    def label(self, project: Project, number: int = 0) -> str:
        return f"{project.ci.workflow} run {number}" if number else project.ci.workflow

    def _head(self, project: Project, branch: str) -> str:
        with self._refusals(project):
            return str(self._github.head(project.repository, branch)["sha"])

    def _head_of_run(self, project: Project, number: int) -> str:
        try:
            return self.result(project, number).parameters["HEAD"]
        except (CiAway, CiMissing) as error:  # it was made, though GitHub cannot show it now
            raise CiSilent(error.message, error.hint) from None

    def _refuse_other_head(self, project: Project, commit: str, branch: str, head: str) -> None:
        if head == commit:
            return
        with self._refusals(project):
            status = self._github.compare(project.repository, commit, head).get("status")
        if status == "behind":
            raise CiAway(
                f"GitHub does not show {commit[:7]} as the head of {branch} of {project.repository} yet.",
                "The pack asks again.",
            )
        raise CiMoved(
            f"{branch} of {project.repository} went on from {commit[:7]} to {neutral(head[:7])}, and "
            "GitHub Actions builds the newest commit of a branch.",
            "The push of the newer commit starts its build by itself. An earlier run of "
            f"{commit[:7]} can be repeated at GitHub: {self.page(project)}",
            head,
        )

    def _dispatch(self, project: Project, commit: str, branch: str) -> int:
        given = {"project": project.name, "commit": identifiers.check("commit", commit)}
        inputs = {**given, "directory": project.directory} if project.directory else given
        body: Dict[str, object] = {"ref": branch, "inputs": inputs}
        path = f"{_workflow(project)}/dispatches"
        try:
            answer = self._ask(project, "POST", path, {**body, "return_run_details": True})
        except _Unprocessable:  # GitHub Enterprise Server does not know that word, or something is wrong
            answer = self._ask(project, "POST", path, body)
        return int(cast(Dispatched, answer).get("workflow_run_id", 0))

    def _run(self, project: Project, number: int) -> WorkflowRun:
        return cast(WorkflowRun, self._ask(project, "GET", f"runs/{number}"))

    def _uploaded(self, project: Project, number: int) -> GitHubArtifacts:
        if number not in self._uploads:
            self._uploads[number] = GitHubArtifacts(self._github, project.repository, number)
        return self._uploads[number]

    def _ask(
        self,
        project: Project,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        params: Params | None = None,
    ) -> Any:
        with self._refusals(project):
            return self._github.ask(method, f"repos/{project.repository}/actions/{path}", body, params)

    @contextmanager
    def _refusals(self, project: Project) -> Iterator[None]:
        try:
            yield
        except GitHubBusy as error:
            kind = CiSilent if error.was_asked else CiAway
            raise kind(error.message, "Look at githubstatus.com, and at the limits of the token.") from None
        except GitHubError as error:
            hint = (
                f"Check that {FOLDER}/{project.ci.workflow} of {project.repository} has `workflow_dispatch` "
                "with the inputs project and commit (and directory), on its default branch too, and that the "
                "token may read and write Actions."
            )
            raise REFUSALS.get(int(str(error.details["status"])), CiError)(error.message, hint) from None
        except OSError as error:
            raise CiAway(
                f"GitHub's answer about {project.repository} could not be read completely "
                f"({type(error).__name__}).",
                "The pack asks again. Look at githubstatus.com, and at the disk of StackStorm's host.",
            ) from None


class _Conflict(CiError):
    """The run is not in a state in which that can be done."""


class _Unprocessable(CiError):
    """GitHub does not take what it was sent; nothing was done."""


REFUSALS = {NOT_FOUND: CiMissing, CONFLICT: _Conflict, UNPROCESSABLE: _Unprocessable}


def page(settings: Settings, project: Project, number: int = 0) -> str:
    """Return the page of run *number*, or with 0 that of *project*'s workflow."""
    below = f"runs/{number}" if number else f"workflows/{project.ci.workflow}"
    return f"{_site(settings.github.api_url)}/{project.repository}/actions/{below}"


def _site(api_url: str) -> str:
    """Return GitHub's own address: its API is api.HOST, or HOST/api/v3 on GitHub Enterprise Server."""
    parts = urlsplit(api_url)
    host = parts.netloc[len("api.") :] if parts.netloc.startswith("api.") else parts.netloc
    return f"{parts.scheme}://{host}"


def _workflow(project: Project) -> str:
    return f"workflows/{project.ci.workflow}"


def _result(found: WorkflowRun) -> BuildResult:
    started = _seconds(found.get("run_started_at") or found["created_at"])
    is_over = found["status"] == COMPLETED
    conclusion = str(found.get("conclusion") or "")
    number = int(found["id"])
    return BuildResult(
        number=number,
        status=STATUSES.get(conclusion, conclusion.upper() or "FAILURE") if is_over else None,
        url=str(found["html_url"]),
        seconds=_seconds(found["updated_at"]) - started if is_over else 0.0,
        started=started,
        queue_id=number,
        parameters=_parameters(found),
    )


def _parameters(found: WorkflowRun) -> Dict[str, str]:
    project, _, commit = str(found["display_title"]).partition(" ")
    home = (found.get("head_repository") or found["repository"]).get("full_name", "")
    return {
        "PROJECT": project,
        "COMMIT": commit,
        "HEAD": str(found["head_sha"]),
        "BRANCH": str(found.get("head_branch") or ""),
        "WORKFLOW": str(found["path"]).partition("@")[0],
        "EVENT": str(found["event"]),
        "REPOSITORY": home.lower(),
    }


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def failed_step(lines: list[str]) -> list[str]:
    """
    Return of a job's log, *lines*, what the step said that failed, without times and marks.

    Before it other steps speak, and after it only cleaning up. All is returned when nothing failed.
    """
    bare = [STAMP.sub("", line) for line in lines]
    end = max((number for number, line in enumerate(bare) if line.startswith(ERROR)), default=len(bare) - 1)
    heads = [number for number, line in enumerate(bare[:end]) if line.startswith(HEAD_END)]
    failed = heads and end < len(bare) and bare[end].startswith(ERROR)
    shown = bare[heads[-1] + 1 if failed else 0 : end + 1]
    return [line.replace(ERROR, "Error: ") for line in shown if not line.startswith(HEADS)]
