"""A host that is asked for, in the words in which a project's hosts are described when it is added."""

from __future__ import annotations

from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.onboarding.journal import Journal
from cicd.onboarding.wanted import Request, Wanted
from cicd.store.store import Store

HEALTH = "/health"


def host(settings: Settings, project: str, ring: str, name: str) -> Wanted:
    """
    Return the host *name* of *ring* of *project*.

    Where the application answers, cicd.add_project was told, or `machines.applications` says; ConfigError
    when nobody did.
    """
    found = settings.project(project)
    answers = _answers(settings, project)
    return Wanted(found, settings, Request(definition={}, hosts={ring: [name]}, **answers))


def _answers(settings: Settings, project: str) -> Request:
    own = settings.machines.applications.get(project)
    if own:
        return Request(port=int(own["port"]), health=own.get("health") or HEALTH, unit=own.get("unit") or "")
    known = Journal(Store(settings), project).read().get("request")
    if not known:
        raise ConfigError(
            f"Where the application of {project} answers on a new host is not known.",
            f"Set `machines.applications.{project}` with its port and unit in the pack's configuration.",
        )
    return Request(port=known["port"], health=known["health"], unit=known["unit"])
