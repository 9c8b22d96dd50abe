"""Change the canary's share of the requests, and see that load balancers follow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Iterator

from cicd.clients.stackstorm import own_execution
from cicd.config import Settings
from cicd.deploy import share_commands
from cicd.deploy.lost_deploys import Event, RingEvent
from cicd.release import traffic
from cicd.release.record import Cause
from cicd.release.traffic import Traffic
from cicd.sanitize import one_line
from cicd.store.change import Command
from cicd.store.snapshot import Look
from cicd.store.store import Store

TRIGGER = "cicd.traffic_due"
FOLLOW_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Outcome:
    """What the canary of `project`, `version`, gets now, and a sentence of each balancer that is `late`."""

    project: str
    ring: str
    version: str
    known: Traffic
    late: tuple[str, ...]

    @property
    def as_result(self) -> dict[str, object]:
        """The same as an action's result."""
        return {
            "project": self.project,
            "ring": self.ring,
            "version": self.version,
            "share": traffic.text(self.known.share),
            "generation": self.known.generation,
            "late": list(self.late),
            "message": self.message,
        }

    @property
    def message(self) -> str:
        """The same in words."""
        said = f"{self.project} {self.version} on {self.ring} gets {traffic.told(self.known.share)}"
        return (
            f"{said}; {'; '.join(self.late)}" if self.late else f"{said}; every load balancer has applied it"
        )


def set_share(settings: Settings, project: str, share: float | None, who: str) -> Outcome:
    """Let the canary of *project* get the *share* of the requests, as *who* asks; see share_commands."""
    return _changed(settings, project, who, lambda seen: share_commands.set_share(seen, share))


def step(settings: Settings, project: str, due: int, who: str) -> Outcome:
    """Let the canary of *project* get the share that was found to be *due* at that generation."""
    return _changed(settings, project, who, lambda seen: share_commands.step(seen, due))


def find(settings: Settings, store: Store) -> Iterator[Event]:
    """Yield the trigger for each project whose canary is to get another share by itself."""
    shared = traffic.shared(_values(store, traffic.key("")))
    for project in settings.projects.values():
        name = project.lifecycle.canary
        if project.name not in shared and not project.lifecycle.stage(name).traffic:
            continue
        seen = store.look(Look(project, reports=False, keys=[traffic.REPORTS]))
        if share_commands.is_due(seen):
            yield (
                TRIGGER,
                RingEvent(project=project.name, ring=name, generation=seen.release.generation),
            )


def _changed(settings: Settings, project: str, who: str, command: Command) -> Outcome:
    store, found = Store(settings), settings.project(project)
    at = Look(found, reports=False, keys=[traffic.REPORTS])
    cause = Cause(one_line(who, 100), "", time.time(), own_execution())
    changed = store.apply(at, found.lifecycle.canary, command, cause).release
    ring = changed.canary
    assert ring.traffic is not None
    version = ring.wanted.version if ring.wanted else ""
    late = _followed(store, project, ring.traffic)
    return Outcome(project, found.lifecycle.canary, version, ring.traffic, late)


def _followed(store: Store, project: str, known: Traffic) -> tuple[str, ...]:
    """Wait until all load balancers that report have what is *known*; return those that have not in time."""
    end = time.monotonic() + FOLLOW_SECONDS
    while True:
        reports = traffic.reports(_values(store, traffic.REPORTS))
        late = share_commands.late_by(reports, project, known)
        if not late or time.monotonic() > end:
            return tuple(late)
        time.sleep(LOOK_AGAIN_SECONDS)


def _values(store: Store, prefix: str) -> Iterator[tuple[str, bytes]]:
    return ((item["Key"], item["Value"]) for item in store.items(prefix))
