"""What is to be added: a project, its hosts by ring, and where its application answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, TypedDict

from cicd import config, identifiers
from cicd.config import Project, Settings
from cicd.errors import ConfigError, InputError
from cicd.project_files import ENDING, ProjectFile

HEALTH, UNIT = r"/[A-Za-z0-9._~/-]{0,199}", r"([A-Za-z0-9][A-Za-z0-9:_.@+-]{0,99}[.]service)?"
JOB = r"[A-Za-z0-9][A-Za-z0-9._ +-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._ +-]{0,99})*"
HIGHEST_PORT = 65535


class Request(TypedDict, total=False):
    """What was asked for: the keys of the project's file, nodes by ring, and how the application answers."""

    definition: Dict[str, Any]
    hosts: Dict[str, List[str]]
    port: int
    health: str
    unit: str


@dataclass(frozen=True)
class Wanted:
    """
    A *request* that was checked, and the *settings* that have its project.

    With *uninstall* hosts lose its packages, too, when it is removed.
    """

    project: Project
    settings: Settings
    request: Request
    uninstall: bool = False

    @property
    def rings(self) -> Mapping[str, str]:
        """The ring of each node."""
        return {node: ring for ring, nodes in self.request["hosts"].items() for node in nodes}

    @property
    def file(self) -> Path:
        """The file of the project."""
        return Path(self.settings.projects_dir, f"{self.project.name}{ENDING}")


def parse(given: Mapping[str, object], name: str, request: Request) -> Wanted:
    """
    Return what *request* means for the project *name* in the configuration *given*.

    InputError or ConfigError names what is impossible, before anything was touched.
    """
    found = known(given, name, request)
    _refuse_impossible(found.project.job, request)
    _refuse_hosts(found.project, request["hosts"])
    return found


def known(given: Mapping[str, object], name: str, request: Request) -> Wanted:
    """Return what *request* of a project that was added once means, also where hosts of it are gone."""
    identifiers.check("project", name)
    folder = str(given.get("projects_dir") or "")
    if not folder:
        raise ConfigError(
            "`projects_dir` is not set, so there is no folder for the project's file.",
            "Set it in the pack's configuration, see docs/adding.md.",
        )
    if name in (given.get("projects") or ()):  # type: ignore[operator]
        raise ConfigError(
            f"{name} is below `projects` in the pack's configuration, not in its own file.",
            f"Move it to {name}.yaml in `projects_dir`, then `st2ctl reload --register-configs`.",
        )
    file = ProjectFile(name, Path(folder, f"{name}{ENDING}"), request["definition"])
    settings = config.parse(given, file)
    return Wanted(settings.project(name), settings, request)


def _refuse_impossible(job: str, request: Request) -> None:
    if not re.fullmatch(JOB, job):
        raise InputError(f"{job!r:.80} is not a valid job.", "Give one such as shop, or folder/shop.")
    if not 0 < request["port"] <= HIGHEST_PORT:
        raise InputError(f"{request['port']} is not a valid port.", f"Give one from 1 to {HIGHEST_PORT}.")
    if not re.fullmatch(HEALTH, request["health"]):
        raise InputError(f"{request['health']!r:.80} is not a valid path.", "Give one such as /health.")
    if not re.fullmatch(UNIT, request["unit"]):
        raise InputError(
            f"{request['unit']!r:.80} is not a valid unit.", "Give one such as shop.service, or none."
        )


def _refuse_hosts(project: Project, hosts: Mapping[str, List[str]]) -> None:
    known = project.lifecycle.names
    for ring, listed in hosts.items():
        if ring not in known:
            raise InputError(f"{project.name} has no ring {ring!r:.40}.", f"It has {', '.join(known)}.")
        if not isinstance(listed, list):
            raise InputError(
                f"{listed!r:.80} is not a list of hosts.", 'Give lists, as {"canary": ["web1"]}.'
            )
    empty = [ring for ring in known if not hosts.get(ring)]
    if empty:
        raise InputError(
            f"No host is named for {', '.join(empty)} of {project.name}.",
            "Name hosts of each ring in `hosts`, or another project that is on the same hosts in `like`.",
        )
    nodes = [identifiers.check("host", node) for ring in hosts.values() for node in ring]
    twice = sorted({node for node in nodes if nodes.count(node) > 1})
    if twice:
        raise InputError(f"{twice[0]} is named twice.", "A host is in one ring of a project.")
