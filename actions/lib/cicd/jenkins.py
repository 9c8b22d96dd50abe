"""Jenkins: start the build of a commit, and read what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

import jenkins as python_jenkins
import requests

from cicd import fields
from cicd.config import Project, Settings, secret
from cicd.errors import JenkinsError
from cicd.text import neutral

TIMEOUT_SECONDS = 30
CONSOLE_LINES = 20


@dataclass(frozen=True)
class BuildResult:
    """What Jenkins says of a build: `status` is None while it runs."""

    number: int
    status: str | None
    commit: str
    project: str
    url: str
    seconds: float


class Jenkins:
    """The remote API of one Jenkins."""

    def __init__(self, settings: Settings) -> None:
        self._url = str(settings.jenkins["url"])
        self._server = python_jenkins.Jenkins(
            self._url,
            username=str(settings.jenkins["user"]),
            password=secret(str(settings.jenkins["token_file"])),
            timeout=TIMEOUT_SECONDS,
        )

    def start(self, project: Project, parameters: Mapping[str, str]) -> int:
        """Queue a build of *project*'s job with *parameters* and return the queue item's id."""
        return int(self._ask(f"start {project.job}", lambda s: s.build_job(project.job, dict(parameters))))

    def result(self, project: Project, number: int) -> BuildResult:
        """Return what became of build *number* of *project*'s job."""
        info = self._ask(f"read {project.job} #{number}", lambda s: s.get_build_info(project.job, number))
        return _result(info)

    def of_commit(self, project: Project, commit: str, number: int = 0) -> BuildResult:
        """Return build *number* of *project*, or with 0 the newest build of *commit*."""
        if number:
            return self.result(project, number)
        info = self._ask(f"read {project.job}", lambda s: s.get_job_info(project.job))
        for build in info["builds"]:
            found = self.result(project, int(build["number"]))
            if found.commit == commit:
                return found
        raise JenkinsError(
            f"{project.job} has no build of {project.name} at {commit[:7]}.",
            "It may still be queued; look at the job in Jenkins.",
        )

    def console_tail(self, project: Project, number: int) -> str:
        """Return the last lines of the build's console, neutral."""
        what = f"read the console of {project.job} #{number}"
        text = self._ask(what, lambda s: s.get_build_console_output(project.job, number))
        return neutral("\n".join(str(text).rstrip().splitlines()[-CONSOLE_LINES:]), 2000)

    def _ask(self, what: str, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._server)
        except python_jenkins.JenkinsException as error:
            raise JenkinsError(
                f"Jenkins at {self._url} refused to {what}: {neutral(str(error), 300)}.",
                "Check that the job exists, takes the parameters PROJECT, COMMIT, BRANCH, REPOSITORY and "
                "TRACE, and that the user may build it.",
            ) from None
        except (requests.RequestException, OSError) as error:
            raise JenkinsError(
                f"Jenkins at {self._url} does not answer ({type(error).__name__}).",
                "Start it, or correct `jenkins.url` in the configuration.",
            ) from None


def verify(result: BuildResult, project: Project, commit: str) -> BuildResult:
    """
    Return *result* when it is the successful build of *commit*, else raise JenkinsError.

    A callback is only a hint: the status counts as Jenkins itself reports it.
    """
    label = f"{project.job} #{result.number}"
    if result.commit != fields.check("commit", commit) or result.project != project.name:
        raise JenkinsError(
            f"{label} built {result.project or 'no project'} at {result.commit[:7] or 'no commit'}, "
            f"not {project.name} at {commit[:7]} as its callback claims.",
            "Nothing was packaged; start the build of the commit again.",
        )
    if result.status != "SUCCESS":
        raise JenkinsError(
            f"{label} of {project.name} at {commit[:7]} is {result.status or 'still running'}, not SUCCESS.",
            f"Nothing was packaged. See {result.url}console",
        )
    return result


def _result(info: Mapping[str, Any]) -> BuildResult:
    given = _parameters(info)
    return BuildResult(
        number=int(info["number"]),
        status=info.get("result") if not info.get("building") else None,
        commit=str(given.get("COMMIT", "")),
        project=str(given.get("PROJECT", "")),
        url=str(info.get("url", "")),
        seconds=float(info.get("duration") or 0) / 1000,
    )


def _parameters(info: Mapping[str, Any]) -> dict[str, Any]:
    given = [p for action in info.get("actions") or [] if action for p in action.get("parameters") or []]
    return {parameter["name"]: parameter.get("value", "") for parameter in given}
