"""Which CI server builds a project: each driver is one class, made when it is needed."""

from __future__ import annotations

from typing import Callable, Dict

from cicd.ci_choice import GITHUB_ACTIONS, JENKINS
from cicd.clients.ci_server import CiServer
from cicd.clients.github_actions import GitHubActions
from cicd.clients.jenkins import Jenkins
from cicd.config import Project, Settings

DRIVERS: Dict[str, Callable[[Settings], CiServer]] = {JENKINS: Jenkins, GITHUB_ACTIONS: GitHubActions}


class CiServers:
    """The CI servers of one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: Dict[str, CiServer] = {}

    def of(self, project: Project) -> CiServer:
        """Return the server that builds *project*."""
        driver = project.ci.driver
        if driver not in self._made:
            self._made[driver] = DRIVERS[driver](self._settings)
        return self._made[driver]


def of(settings: Settings, project: Project) -> CiServer:
    """Return the server that builds *project*."""
    return CiServers(settings).of(project)
