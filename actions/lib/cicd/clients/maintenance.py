"""What a monitoring system is told of hosts that are updated."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Sequence

from cicd.errors import CicdError
from cicd.release.host import Host
from cicd.release.host_pattern import pattern
from cicd.sanitize import beginning

AUTHOR = "cicd"
COMMENT_CHARACTERS = 300


class Untold(CicdError):
    """A monitoring system answers, and cannot take what it is told."""


@dataclass(frozen=True)
class Maintenance:
    """The `hosts` of a `project` are updated: they may be absent from `begin` to `end` (epoch seconds)."""

    project: str
    hosts: Sequence[Host]
    begin: float
    end: float

    @property
    def comment(self) -> str:
        """The reason in words."""
        names = ", ".join(host.name for host in self.hosts)
        return beginning(f"cicd updates {self.project} on {names}", COMMENT_CHARACTERS)

    @property
    def pattern(self) -> str:
        """What matches each host's name and address, with a domain or a port or without."""
        return pattern(name for host in self.hosts for name in (host.name, host.address))


def of(project: str, hosts: Sequence[Host], seconds: float) -> Maintenance:
    """Return the maintenance of *hosts* that begins now and takes at most *seconds*."""
    now = time.time()
    return Maintenance(project, hosts, now, now + seconds)
