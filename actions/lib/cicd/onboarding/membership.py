"""On which hosts a project is, by ring, as Consul says."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List

from cicd.config import Settings
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


def as_administrator(settings: Settings) -> Settings:
    """Return *settings* with which Consul is asked by the token that manages it, where there is one."""
    manages = settings.administration.consul_token_file
    return replace(settings, consul=replace(settings.consul, token_file=manages)) if manages else settings
