"""Whether the CI of each project answers, and takes what it will be given."""

from __future__ import annotations

from typing import Iterator, Sequence

from cicd.ci.ci_servers import CiServers
from cicd.ci_choice import GITHUB_ACTIONS, JENKINS
from cicd.clients import jenkins
from cicd.clients.github import GitHub
from cicd.clients.jenkins import Jenkins, job_path
from cicd.clients.jenkins_pages import Job
from cicd.config import Project, Settings
from cicd.errors import CicdError
from cicd.finding import GOOD, WARNING, WRONG, Finding

NOTIFIER = "HudsonNotificationProperty"
JOB_TREE = "buildable,property[parameterDefinitions[name]]"
RUN_EVENT = "workflow_run"


def findings(settings: Settings, projects: Sequence[Project]) -> Iterator[Finding]:
    """Yield what is found of the CI of *projects*; nothing is started."""
    built = [project for project in projects if project.ci.driver == JENKINS]
    if built:
        yield from _jenkins(Jenkins(settings), built)
    servers = CiServers(settings)
    for project in projects:
        if project.ci.driver == GITHUB_ACTIONS:
            yield from _workflow(settings, servers, project)


def _jenkins(server: Jenkins, projects: Sequence[Project]) -> Iterator[Finding]:
    try:
        server.answers(projects[0])
    except CicdError as error:
        yield Finding("Jenkins", WRONG, error.message, error.hint)
        return
    yield Finding("Jenkins", GOOD, f"{server.url} answers and takes the token")
    for project in projects:
        try:
            page = server.read(Job, job_path(project), f"read {project.job}", JOB_TREE)
        except CicdError as error:
            yield Finding(f"Jenkins job {project.job}", WRONG, error.message, _job_hint(project))
            continue
        yield from _job(project, page)


def _job(project: Project, page: Job) -> Iterator[Finding]:
    what, properties = f"Jenkins job {project.job}", [p for p in page.get("property") or [] if p]
    names = {d.get("name") for p in properties for d in p.get("parameterDefinitions") or []}
    missing = [name for name in jenkins.parameter_names(project) if name not in names]
    if missing:
        yield Finding(what, WRONG, f"does not take {', '.join(missing)}", _job_hint(project))
    elif not page.get("buildable"):
        yield Finding(what, WRONG, "is disabled", "Enable it in Jenkins.")
    else:
        yield Finding(what, GOOD, "takes every parameter")
    if not any(str(p.get("_class", "")).endswith(NOTIFIER) for p in properties):
        fix = "Install the Notification plugin; its endpoint is the gateway's /jenkins?token=…"
        yield Finding(what, WARNING, "does not report its end: results come only with the next poll", fix)


def _job_hint(project: Project) -> str:
    names = ", ".join(jenkins.parameter_names(project))
    return f"Make the job with the string parameters {names}, or set `projects.{project.name}.job`."


def _workflow(settings: Settings, servers: CiServers, project: Project) -> Iterator[Finding]:
    what = f"GitHub Actions {project.repository} {project.ci.workflow}"
    try:
        servers.of(project).answers(project)
    except CicdError as error:
        yield Finding(what, WRONG, error.message, error.hint)
        return
    yield Finding(what, GOOD, "is active, and the token may read it")
    yield from _webhook(settings, project, what)


def _webhook(settings: Settings, project: Project, what: str) -> Iterator[Finding]:
    wanted = settings.github.hook_url
    if not wanted:
        return
    try:
        hooks = GitHub(settings).hooks(project.repository)
    except CicdError:
        return  # the checks of GitHub say it
    ours = [hook for hook in hooks if str(hook.get("config", {}).get("url", "")).partition("?")[0] == wanted]
    told = [event for hook in ours for event in hook.get("events", [])]
    if not {RUN_EVENT, "*"} & set(told):
        fix = f"Let the webhook for {wanted} send the event Workflow runs as well."
        yield Finding(what, WARNING, "does not report its end: results come only with the next poll", fix)
