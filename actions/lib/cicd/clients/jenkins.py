"""Jenkins as a CI server, by its remote API."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Callable, Mapping, Type, TypeVar, cast
from urllib.parse import quote, unquote

from cicd import identifiers
from cicd.clients import streams
from cicd.clients.ci_server import CLOCK_SECONDS, CONSOLE_LINES, BuildResult, CiServer, QueueItem
from cicd.clients.jenkins_pages import Archived, Build, BuildList, Item, Job, Queue, Task
from cicd.clients.silence import was_not_asked
from cicd.config import Project, Settings, secret
from cicd.errors import CiAway, CiError, CiMissing, CiSilent
from cicd.sanitize import neutral

TIMEOUT_SECONDS = 30
BUILDS_READ = 100
PARAMETERS = ("PROJECT", "COMMIT", "BRANCH", "REPOSITORY", "TRACE")
DIRECTORY = "DIRECTORY"  # a job needs it only for a project that has one
BUILD = "number,url,queueId,building,result,timestamp,duration,actions[parameters[name,value]]"


Page = TypeVar("Page")


class Jenkins(CiServer):
    """The remote API of one Jenkins."""

    name = "Jenkins"

    def __init__(self, settings: Settings, administers: bool = False) -> None:
        """Ask as the user who builds, or as the one who *administers* jobs where there is one."""
        own = settings.administration
        self._settings = settings
        self.queue_timeout = settings.jenkins.queue_timeout
        self.build_timeout = settings.jenkins.build_timeout
        self.url = settings.jenkins.url.rstrip("/")
        self._user = (administers and own.jenkins_user) or settings.jenkins.user
        self._token = secret((administers and own.jenkins_token_file) or settings.jenkins.token_file)

    @cached_property
    def _server(self) -> Any:
        import jenkins as python_jenkins  # it takes long, and a build is often known without asking

        return python_jenkins.Jenkins(
            self.url, username=self._user, password=self._token, timeout=TIMEOUT_SECONDS
        )

    def answers(self, project: Project) -> bool:
        return bool(self.read(Job, "", "answer", "mode"))

    def start(self, project: Project, commit: str, branch: str) -> int:
        return self.ask_for(project, self.wanted(project, commit, branch))

    def ask_for(self, project: Project, parameters: Mapping[str, str]) -> int:
        """Queue a build of *project*'s job with *parameters* and return the queue item's id."""
        given = dict(parameters)
        return int(self.ask(f"start {project.job}", lambda s: s.build_job(project.job, given)))

    def wanted(self, project: Project, commit: str, branch: str) -> dict[str, str]:
        return parameters(self._settings, project, commit, branch)

    def queue_item(self, project: Project, queue_id: int) -> QueueItem | None:
        try:  # Jenkins keeps them five minutes
            item = self.read(Item, f"queue/item/{queue_id}", f"read queue item {queue_id}")
        except CiMissing:
            return None
        return QueueItem(int((item.get("executable") or {}).get("number", 0)), bool(item.get("cancelled")))

    def started(self, project: Project, commit: str, branch: str, since: float) -> int:
        begun = (r.queue_id for r in self.results(project, commit) if r.started > since - CLOCK_SECONDS)
        return self._queued(project, commit) or next(begun, 0)

    def _queued(self, project: Project, commit: str) -> int:
        for item in self.read(Queue, "queue", "read the queue")["items"]:
            lines = str(item.get("params", "")).splitlines()
            if _is_of_job(item["task"], project) and f"COMMIT={commit}" in lines:
                return int(item["id"])
        return 0

    def result(self, project: Project, number: int) -> BuildResult:
        what = f"read {project.job} #{number}"
        return _result(self.read(Build, f"{job_path(project)}/{number}", what, BUILD))

    def results(self, project: Project, commit: str) -> list[BuildResult]:
        tree = f"builds[{BUILD}]{{0,{BUILDS_READ}}}"
        page = self.read(BuildList, job_path(project), f"read {project.job}", tree)
        return [found for found in map(_result, page["builds"]) if found.commit == commit]

    def stop(self, project: Project, number: int) -> None:
        self.ask(f"stop {project.job} #{number}", lambda s: s.stop_build(project.job, number))

    def cancel(self, project: Project, queue_id: int) -> None:
        self.ask(f"cancel queue item {queue_id}", lambda s: s.cancel_queue(queue_id))

    def console_tail(self, project: Project, number: int) -> str:
        what = f"read the console of {project.job} #{number}"
        url = f"{self.url}/{job_path(project)}/{number}/consoleText"
        text = self.ask(what, lambda s: streams.tail(s.jenkins_open_stream(_get(url))))
        return neutral("\n".join(text.rstrip().splitlines()[-CONSOLE_LINES:]), 2000)

    def artifacts(self, project: Project, number: int) -> list[str]:
        what = f"read what {project.job} #{number} archived"
        page = self.read(Archived, f"{job_path(project)}/{number}", what, "artifacts[relativePath]")
        return [str(one["relativePath"]) for one in page.get("artifacts") or []]

    def download(
        self, project: Project, number: int, path: str, write: Callable[[bytes], object], limit: int
    ) -> int:
        what = f"read the artifact {neutral(path, 200)} of {project.job} #{number}"
        url = f"{self.url}/{job_path(project)}/{number}/artifact/{quote(path)}"
        return int(self.ask(what, lambda s: streams.copy(s.jenkins_open_stream(_get(url)), write, limit)))

    def page(self, project: Project, number: int = 0) -> str:
        return page(self._settings, project, number)

    def console_page(self, project: Project, number: int) -> str:
        return f"{self.page(project, number)}console"

    def label(self, project: Project, number: int = 0) -> str:
        return f"{project.job} #{number}" if number else project.job

    def read(self, page: Type[Page], path: str, what: str, tree: str = "") -> Page:
        """Return the *page* at *path*, of it only *tree*; *what* says in errors what was wanted."""
        url = f"{self.url}/{path}/api/json" if path else f"{self.url}/api/json"
        return cast(Page, dict(self.ask(what, lambda s: json.loads(s.jenkins_open(_get(url, tree))))))

    def ask(self, what: str, question: Callable[[Any], Any]) -> Any:
        """Return what *question* gets of python-jenkins; CiError says *what* was refused, and why."""
        import jenkins as python_jenkins

        try:
            return question(self._server)
        except python_jenkins.NotFoundException:
            raise CiMissing(
                f"Jenkins at {self.url} refused to {what}: it does not exist there.",
                "Check the name of the job, and that the user may see it.",
            ) from None
        except (python_jenkins.TimeoutException, OSError, ValueError) as error:
            if _is_refusal(error):
                raise self._refusal(what, error) from None
            kind = CiAway if was_not_asked(error) else CiSilent
            raise kind(
                f"Jenkins at {self.url} does not answer ({type(error).__name__}).",
                "Start it, or correct `jenkins.url` in the configuration.",
            ) from None
        except python_jenkins.JenkinsException as error:
            raise self._refusal(what, error) from None

    def _refusal(self, what: str, error: Exception) -> CiError:
        return CiError(
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


def page(settings: Settings, project: Project, number: int = 0) -> str:
    """Return the page of build *number* of *project*'s job, or with 0 that of the job."""
    job = f"{settings.jenkins.url.rstrip('/')}/{job_path(project)}/"
    return f"{job}{number}/" if number else job


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
