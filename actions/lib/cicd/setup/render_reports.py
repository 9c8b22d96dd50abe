"""What cicd-render reports of each host: which files it made, and for which projects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, Mapping, Tuple

PREFIX = "cicd/.render/"
UNREADABLE = "its report in Consul is unreadable; cicd-render writes it again when it is restarted"


@dataclass(frozen=True)
class RenderReport:
    """
    The *projects* whose backends one host has, and what is wrong there.

    *balances* says whether any of its files is about projects at all.
    """

    projects: FrozenSet[str] = frozenset()
    balances: bool = False
    error: str = ""


def parse(values: Iterable[Tuple[str, bytes]]) -> Dict[str, RenderReport]:
    """Return the reports among *values*, keys with their values, by node."""
    return {key[len(PREFIX) :]: _report(value) for key, value in values if key.startswith(PREFIX)}


def _report(value: bytes) -> RenderReport:
    try:
        data = json.loads(value)
        listed = [_projects(file) for file in data["applied"].values()]
        error = str(data["error"])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return RenderReport(error=UNREADABLE)
    return RenderReport(frozenset().union(*listed), any(listed), error)


def _projects(file: Mapping[str, object]) -> FrozenSet[str]:
    found = file["projects"]
    return frozenset(str(name) for name in found) if isinstance(found, list) else frozenset()
