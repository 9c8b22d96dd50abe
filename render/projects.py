"""The projects that Consul knows, as load balancers need them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # what both the pack and HAProxy take
PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,199}")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
SIDES = ("_canary", "_stable")


@dataclass(frozen=True)
class Project:
    """
    One project: the tag of all its hosts, where its application says how it is, and its host names.

    It is known by its own name as well: the first part of a host name.
    """

    name: str
    tag: str
    health: str
    names: tuple[str, ...]


def find(
    services: Mapping[str, Sequence[str]],
    health: Mapping[str, str],
    names: Mapping[str, str],
    role: str,
    usual: str,
) -> tuple[list[Project], list[str]]:
    """
    Return the projects among *services*, tags by name, and a sentence for each thing that is passed over.

    *health* has a path by project, *names* a project by host name; *usual* is the path of all others.
    """
    tagged = sorted(name for name, tags in services.items() if f"{name}::{role}" in tags)
    fit = [name for name in tagged if NAME.fullmatch(name) and not _is_side(name, tagged)]
    paths = {name: path for name, path in health.items() if PATH.fullmatch(path)}
    hosts = {host: name for host, name in names.items() if HOST.fullmatch(host) and name in fit}
    found = [Project(name, f"{name}::{role}", paths.get(name, usual), _of(name, hosts)) for name in fit]
    return found, [*_odd_names(tagged, fit), *_odd_values(health, paths), *_odd_hosts(names)]


def _of(project: str, hosts: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(host for host, name in hosts.items() if name == project))


def _is_side(name: str, tagged: Sequence[str]) -> bool:
    """Whether another project of *tagged* has a backend of this *name*."""
    return any(name.endswith(side) and name[: -len(side)] in tagged for side in SIDES)


def _odd_names(tagged: Sequence[str], fit: Sequence[str]) -> list[str]:
    return [
        f"The service {name!r:.80} gets no backends: HAProxy has no such name free."
        for name in tagged
        if name not in fit
    ]


def _odd_values(health: Mapping[str, str], paths: Mapping[str, str]) -> list[str]:
    return [
        f"The health of {name!r:.80} in Consul is not a path, and not used."
        for name in health
        if name not in paths
    ]


def _odd_hosts(names: Mapping[str, str]) -> list[str]:
    return [
        f"{host!r:.80} in Consul is not a host name in lower case, and not used."
        for host in names
        if not HOST.fullmatch(host)
    ]
