"""Where people see more of what they are told."""

from __future__ import annotations

from cicd.clients.jenkins import job_path
from cicd.config import Project, Settings


def of_execution(settings: Settings, execution: str) -> str:
    """Return the page of *execution* in StackStorm; empty where there is none."""
    return settings.github.details_url.replace("{execution}", execution) if execution else ""


def of_build(settings: Settings, project: Project, build: int) -> str:
    """Return the page of *build* at Jenkins, or of the whole job while it has no number."""
    job = f"{settings.jenkins.url.rstrip('/')}/{job_path(project)}/"
    return f"{job}{build}/" if build else job
