"""On which hosts a project is, by ring, as Consul says."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List

from cicd.config import Settings
from cicd.errors import Refused
from cicd.onboarding.wanted import Wanted
from cicd.store.store import Store


def by_ring(settings: Settings, name: str) -> Dict[str, List[str]]:
    """Return the nodes in each ring of the project *name*."""
    project = settings.project(name)
    hosts, tags = Store(settings).health(project), settings.tags(project)
    return {
        ring: sorted({one.name for one in hosts if one.ring(tags) == ring})
        for ring in project.lifecycle.names
    }


def port(settings: Settings, name: str) -> int:
    """Return where the application of the project *name* listens; 1 where no host has it."""
    hosts = Store(settings).health(settings.project(name))
    return next((one.port for one in hosts if one.port), 1)


def refuse_taken_port(wanted: Wanted) -> None:
    """Raise Refused when another project listens on the port that is *wanted*, on one of the hosts."""
    store, port = Store(wanted.settings), wanted.request["port"]
    others = [one for one in wanted.settings.projects.values() if one.name != wanted.project.name]
    for other in others:
        taken = sorted(h.name for h in store.health(other) if h.port == port and h.name in wanted.rings)
        if taken:
            raise Refused(
                f"{port} is where {other.name} listens on {taken[0]}; nothing was changed.",
                f"Give {wanted.project.name} another port.",
            )


def as_administrator(settings: Settings) -> Settings:
    """Return *settings* with which Consul is asked by the token that manages it, where there is one."""
    manages = settings.administration.consul_token_file
    return replace(settings, consul=replace(settings.consul, token_file=manages)) if manages else settings
