"""Where people see more of what they are told."""

from __future__ import annotations

from cicd.ci_choice import GITHUB_ACTIONS
from cicd.clients import github_actions, jenkins
from cicd.config import Project, Settings


def of_execution(settings: Settings, execution: str) -> str:
    """Return the page of *execution* in StackStorm; empty where there is none."""
    return settings.github.details_url.replace("{execution}", execution) if execution else ""


def of_build(settings: Settings, project: Project, build: int) -> str:
    """Return the page of *build* at its CI server, or of all builds while it has no number."""
    page = github_actions.page if project.ci.driver == GITHUB_ACTIONS else jenkins.page
    return page(settings, project, build)
