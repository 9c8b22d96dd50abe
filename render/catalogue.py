"""What a template may ask of Consul. Answers are frozen, and sorted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from follow.values import texts
from render import projects
from render.projects import Project

HEALTH, NAMES = "cicd/.balancer/health", "cicd/.balancer/names"


@dataclass(frozen=True)
class Service:
    """A service that has an instance anywhere, with the tags of all of them."""

    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Instance:
    """One instance of a service, where it is reached."""

    id: str
    node: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Mapping[str, str]


@dataclass(frozen=True)
class Node:
    """A node and its address."""

    name: str
    address: str
    meta: Mapping[str, str]


class Catalogue:
    """Asks by *read*, which returns the JSON that Consul has at a path below /v1/."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self.passed_over: list[str] = []
        self.projects_read: list[str] = []

    def services(self) -> Sequence[Service]:
        """Return all services."""
        found = self._read("catalog/services") or {}
        return [Service(name, tuple(sorted(tags or ()))) for name, tags in sorted(found.items())]

    def service(self, name: str, tag: str = "", passing: bool = True) -> Sequence[Instance]:
        """Return the instances of the service *name*: those with *tag*, and only those that are *passing*."""
        asked = {**({"tag": tag} if tag else {}), **({"passing": "1"} if passing else {})}
        path = f"health/service/{quote(name, safe='')}" + (f"?{urlencode(asked)}" if asked else "")
        found = [_instance(entry) for entry in self._read(path) or ()]
        return sorted(found, key=lambda one: (one.node, one.id))

    def nodes(self) -> Sequence[Node]:
        """Return all nodes."""
        found = self._read("catalog/nodes") or ()
        return sorted((_node(entry) for entry in found), key=lambda one: one.name)

    def kv(self, key: str, default: str | None = None) -> str | None:
        """Return the value of *key*, *default* where it is not there."""
        found = texts(self._read(f"kv/{quote(key)}"), "")
        return next(iter(found.values()), default)

    def tree(self, folder: str) -> Mapping[str, str]:
        """Return all values below *folder*, by the rest of their keys."""
        prefix = f"{folder.rstrip('/')}/"
        found = texts(self._read(f"kv/{quote(prefix)}?recurse"), prefix)
        return dict(sorted(found.items()))

    def projects(self, role: str = "app", health: str = "/health") -> Sequence[Project]:
        """Return the projects: services with the tag <their name>::*role*; *health* is where most answer."""
        known = {one.name: one.tags for one in self.services()}
        found, odd = projects.find(known, self.tree(HEALTH), self.tree(NAMES), role, health)
        self.passed_over = [*self.passed_over, *odd]
        self.projects_read = [one.name for one in found]
        return found


def _instance(entry: Mapping[str, Any]) -> Instance:
    node, service = entry["Node"], entry["Service"]
    return Instance(
        id=service["ID"],
        node=node["Node"],
        address=service["Address"] or node["Address"],
        port=service["Port"],
        tags=tuple(sorted(service["Tags"] or ())),
        meta=dict(service["Meta"] or {}),
    )


def _node(entry: Mapping[str, Any]) -> Node:
    return Node(entry["Node"], entry["Address"], dict(entry["Meta"] or {}))
