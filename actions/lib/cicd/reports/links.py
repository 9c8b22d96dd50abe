"""Where people see more of what they are told."""

from __future__ import annotations

from cicd.ci_choice import GITHUB_ACTIONS
from cicd.clients import github_actions, jenkins
from cicd.config import Project, Settings
from cicd.release.record import EVERYTHING


def of_page(settings: Settings, project: str, commit: str = "") -> str:
    """Return where the status page shows *project*, or the run of its *commit*; empty without a page."""
    root = settings.status_page.url.rstrip("/")
    if not root or project == EVERYTHING:
        return f"{root}/" if root else ""
    return f"{root}/projects/{project}{f'/commits/{commit}' if commit else ''}"


def of_execution(settings: Settings, execution: str) -> str:
    """Return the page of *execution* in StackStorm; empty where there is none."""
    return settings.github.details_url.replace("{execution}", execution) if execution else ""


def of_build(settings: Settings, project: Project, build: int) -> str:
    """Return the page of *build* at its CI server, or of all builds while it has no number."""
    page = github_actions.page if project.ci.driver == GITHUB_ACTIONS else jenkins.page
    return page(settings, project, build)
