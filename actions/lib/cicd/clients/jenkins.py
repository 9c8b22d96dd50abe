"""Jenkins: start the build of a commit, and read what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Mapping, Type, TypeVar, cast
from urllib.parse import quote, unquote

from cicd import identifiers
from cicd.clients.jenkins_pages import Archived, Build, BuildList, Item, Job, Queue, Task
from cicd.config import Project, Settings, secret
from cicd.errors import JenkinsAway, JenkinsError, JenkinsMissing
from cicd.sanitize import neutral

TIMEOUT_SECONDS = 30
CONSOLE_LINES = 20
CONSOLE_BYTES = 64 * 1024
CONSOLE_LIMIT_BYTES = 64 * 1024 * 1024
BUILDS_READ = 100
PARAMETERS = ("PROJECT", "COMMIT", "BRANCH", "REPOSITORY", "TRACE")
DIRECTORY = "DIRECTORY"  # a job needs it only for a project that has one
BUILD = "number,url,queueId,building,result,timestamp,duration,actions[parameters[name,value]]"


Page = TypeVar("Page")


@dataclass(frozen=True)
class BuildResult:
    """What Jenkins says of a build: `status` is None while it runs, `started` epoch seconds by its clock."""

    number: int
    status: str | None
    url: str
    seconds: float
    started: float
    queue_id: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The commit that it was asked to build."""
        return str(self.parameters.get("COMMIT", ""))


@dataclass(frozen=True)
class QueueItem:
    """A wish for a build: `number` is 0 until the build began."""

    number: int = 0
    cancelled: bool = False


class Jenkins:
    """The remote API of one Jenkins."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.jenkins.url.rstrip("/")
        self._user = settings.jenkins.user
        self._token = secret(settings.jenkins.token_file)

    @cached_property
    def _server(self) -> Any:
        import jenkins as python_jenkins  # it takes long, and a build is often known without asking

        return python_jenkins.Jenkins(
            self.url, username=self._user, password=self._token, timeout=TIMEOUT_SECONDS
        )

    def answers(self) -> bool:
        """Whether it answers, and takes the token; else raise JenkinsError."""
        return bool(self.read(Job, "", "answer", "mode"))

    def start(self, project: Project, parameters: Mapping[str, str]) -> int:
        """Queue a build of *project*'s job with *parameters* and return the queue item's id."""
        return int(self.ask(f"start {project.job}", lambda s: s.build_job(project.job, dict(parameters))))

    def queue_item(self, number: int) -> QueueItem | None:
        """Return queue item *number*; None when Jenkins no longer knows it: it keeps them five minutes."""
        try:
            item = self.read(Item, f"queue/item/{number}", f"read queue item {number}")
        except JenkinsMissing:
            return None
        return QueueItem(int((item.get("executable") or {}).get("number", 0)), bool(item.get("cancelled")))

    def queued(self, project: Project, commit: str) -> int:
        """Return the id of the queue item of *commit* in *project*'s job; 0 when none waits."""
        for item in self.read(Queue, "queue", "read the queue")["items"]:
            lines = str(item.get("params", "")).splitlines()
            if _is_of_job(item["task"], project) and f"COMMIT={commit}" in lines:
                return int(item["id"])
        return 0

    def result(self, project: Project, number: int) -> BuildResult:
        """Return what became of build *number* of *project*'s job, or raise JenkinsMissing."""
        what = f"read {project.job} #{number}"
        return _result(self.read(Build, f"{job_path(project)}/{number}", what, BUILD))

    def results(self, project: Project) -> list[BuildResult]:
        """Return the newest builds of *project*'s job, newest first."""
        tree = f"builds[{BUILD}]{{0,{BUILDS_READ}}}"
        page = self.read(BuildList, job_path(project), f"read {project.job}", tree)
        return [_result(build) for build in page["builds"]]

    def of_commit(self, project: Project, commit: str, number: int = 0) -> BuildResult:
        """Return build *number* of *project*, or with 0 the newest build of *commit*."""
        if number:
            return self.result(project, number)
        for found in self.results(project):
            if found.commit == commit:
                return found
        raise JenkinsMissing(
            f"{project.job} has no build of {project.name} at {commit[:7]}.",
            "It may still be queued; look at the job in Jenkins.",
        )

    def stop(self, project: Project, number: int) -> None:
        """Stop build *number* of *project*'s job."""
        self.ask(f"stop {project.job} #{number}", lambda s: s.stop_build(project.job, number))

    def cancel(self, queue_id: int) -> None:
        """Take the item *queue_id* out of the queue."""
        self.ask(f"cancel queue item {queue_id}", lambda s: s.cancel_queue(queue_id))

    def console_tail(self, project: Project, number: int) -> str:
        """Return the last lines of the build's console, neutral."""
        what = f"read the console of {project.job} #{number}"
        url = f"{self.url}/{job_path(project)}/{number}/consoleText"
        text = self.ask(what, lambda s: _tail(s.jenkins_open_stream(_get(url))))
        return neutral("\n".join(text.rstrip().splitlines()[-CONSOLE_LINES:]), 2000)

    def artifacts(self, project: Project, number: int) -> list[str]:
        """Return the paths of what build *number* of *project*'s job archived."""
        what = f"read what {project.job} #{number} archived"
        page = self.read(Archived, f"{job_path(project)}/{number}", what, "artifacts[relativePath]")
        return [str(one["relativePath"]) for one in page.get("artifacts") or []]

    def download(
        self, project: Project, number: int, path: str, write: Callable[[bytes], object], limit: int
    ) -> int:
        """Give *write* what build *number* archived as *path*, piece by piece, and return its size in bytes.

        Of what is larger than *limit* it gets a part, and the size returned is above the limit.
        """
        what = f"read the artifact {neutral(path, 200)} of {project.job} #{number}"
        url = f"{self.url}/{job_path(project)}/{number}/artifact/{quote(path)}"
        return int(self.ask(what, lambda s: _copied(s.jenkins_open_stream(_get(url)), write, limit)))

    def read(self, page: Type[Page], path: str, what: str, tree: str = "") -> Page:
        """Return the *page* at *path*, of it only *tree*; *what* says in errors what was wanted."""
        url = f"{self.url}/{path}/api/json" if path else f"{self.url}/api/json"
        return cast(Page, dict(self.ask(what, lambda s: json.loads(s.jenkins_open(_get(url, tree))))))

    def ask(self, what: str, question: Callable[[Any], Any]) -> Any:
        """Return what *question* gets of python-jenkins; JenkinsError says *what* was refused, and why."""
        import jenkins as python_jenkins

        try:
            return question(self._server)
        except python_jenkins.NotFoundException:
            raise JenkinsMissing(
                f"Jenkins at {self.url} refused to {what}: it does not exist there.",
                "Check the name of the job, and that the user may see it.",
            ) from None
        except (python_jenkins.TimeoutException, OSError, ValueError) as error:
            if _is_refusal(error):
                raise self._refusal(what, error) from None
            raise JenkinsAway(
                f"Jenkins at {self.url} does not answer ({type(error).__name__}).",
                "Start it, or correct `jenkins.url` in the configuration.",
            ) from None
        except python_jenkins.JenkinsException as error:
            raise self._refusal(what, error) from None

    def _refusal(self, what: str, error: Exception) -> JenkinsError:
        return JenkinsError(
            f"Jenkins at {self.url} refused to {what}: {neutral(str(error), 300)}.",
            f"Check that the job exists, takes the parameters {', '.join(PARAMETERS)} "
            f"(and {DIRECTORY} for a project with `directory`), "
            "and that the user may build it.",
        )


def parameters(settings: Settings, project: Project, commit: str, branch: str) -> dict[str, str]:
    """Return what the job of *project* is given to build *commit* of *branch*, by parameter_names."""
    place = {DIRECTORY: project.directory} if project.directory else {}
    return {
        "PROJECT": project.name,
        "COMMIT": identifiers.check("commit", commit),
        "BRANCH": branch,
        "REPOSITORY": settings.clone_url(project),
        "TRACE": identifiers.trace_tag(project.repository, commit),
        **place,
    }


def parameter_names(project: Project) -> tuple[str, ...]:
    """Return the names of the parameters that the job of *project* takes."""
    return (*PARAMETERS, DIRECTORY) if project.directory else PARAMETERS


def verify(result: BuildResult, project: Project, wanted: Mapping[str, str]) -> BuildResult:
    """
    Return *result* when it is a build of what was *wanted*, else raise JenkinsError.

    A callback is only a hint: what was built counts as Jenkins itself reports it.
    """
    other = [name for name, value in wanted.items() if result.parameters.get(name) != value]
    if not other:
        return result
    given = result.parameters
    raise JenkinsError(
        f"{project.job} #{result.number} built {neutral(given.get('PROJECT') or 'no project', 64)} at "
        f"{neutral(result.commit[:7]) or 'no commit'}, not {project.name} at {wanted['COMMIT'][:7]} "
        f"as its callback claims (it differs in {', '.join(other)}).",
        "Nothing was changed; the build of the commit itself is still waited for.",
    )


def job_path(project: Project) -> str:
    """
    Return the address of *project*'s job below Jenkins' own.

    A job in folders is `folder/job`, that of a branch `multibranch/branch` with the branch as Jenkins
    names it: `shop/feature%2Fcart`.
    """
    return "/".join(f"job/{quote(part)}" for part in project.job.split("/"))


def _is_of_job(task: Task, project: Project) -> bool:
    """By its address, as the name of a task is only the last part of a job's in folders."""
    below = str(task.get("url", "")).partition("/job/")[2]
    return unquote(f"job/{below}".rstrip("/")) == unquote(job_path(project))


def _is_refusal(error: Exception) -> bool:
    response = getattr(error, "response", None)
    return response is not None and 400 <= response.status_code < 500


def _result(info: Build) -> BuildResult:
    return BuildResult(
        number=int(info["number"]),
        status=info.get("result") if not info.get("building") else None,
        url=str(info.get("url", "")),
        seconds=float(info.get("duration") or 0) / 1000,
        started=float(info.get("timestamp") or 0) / 1000,
        queue_id=int(info.get("queueId") or 0),
        parameters=_parameters(info),
    )


def _parameters(info: Build) -> dict[str, str]:
    given = [p for action in info.get("actions") or [] if action for p in action.get("parameters") or []]
    return {str(parameter["name"]): str(parameter.get("value", "")) for parameter in given}


def _get(url: str, tree: str = "") -> Any:
    import requests

    return requests.Request("GET", url, params={"tree": tree} if tree else None)


def _copied(response: Any, write: Callable[[bytes], object], limit: int) -> int:
    size = 0
    for chunk in response.iter_content(CONSOLE_BYTES):
        size += len(chunk)
        if size > limit:
            break
        write(chunk)
    response.close()
    return size


def _tail(response: Any) -> str:
    kept, read = b"", 0
    for chunk in response.iter_content(CONSOLE_BYTES):
        kept, read = (kept + chunk)[-CONSOLE_BYTES:], read + len(chunk)
        if read > CONSOLE_LIMIT_BYTES:
            break
    response.close()
    return kept.decode("utf-8", "replace")
