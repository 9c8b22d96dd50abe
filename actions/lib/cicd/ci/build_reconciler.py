"""What became of builds without anybody having told: the backstop behind the callbacks of CI."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping

from cicd import identifiers
from cicd.ci import build_queue, run
from cicd.ci.builds import GOES_ON, LOST, Builds, Seen
from cicd.ci.ci_servers import CiServers
from cicd.ci.run import BUILDING, STARTING, Run
from cicd.clients.ci_server import CiServer
from cicd.config import Project, Settings
from cicd.errors import CiError, CiMissing, ConfigError, UnreadableError
from cicd.store.store import Store

PATIENCE_SECONDS = 20  # an action that is on its way
CALLBACK_SECONDS = 5  # a callback that is on its way
FINISHED, DUE = "cicd.build_finished", "cicd.build_due"


@dataclass(frozen=True)
class Event:
    """One thing that rules must hear of: the trigger's name, its payload, and the trace it belongs to."""

    trigger: str
    payload: Mapping[str, object]
    trace: str


def find(
    settings: Settings, store: Store, server_of: Callable[[Project], CiServer] | None = None
) -> Iterator[Event]:
    """
    Yield, for all projects, the builds that ended untold and those whose start was lost.

    A server that does not answer, or whose token cannot be read, keeps nothing from the projects of another,
    and a run that cannot be read nothing from another project; the first trouble is raised last.
    """
    server_of, problems = server_of or CiServers(settings).of, []
    for project in settings.projects.values():
        try:
            yield from _Watch(Builds(project, store, server_of(project))).events()
        except (CiError, ConfigError, UnreadableError) as error:
            problems.append(error)
    if problems:
        raise problems[0]


class _Watch:
    def __init__(self, builds: Builds) -> None:
        self._builds = builds
        self._turns = builds.turns
        self._runs = builds.turns.runs
        self._project: Project = builds.project

    def events(self) -> Iterator[Event]:
        runs = self._runs.every()
        for commit, known in runs.items():
            if known.is_open:
                yield from self._open(commit, self._runs.not_ahead(commit, known))
        running = self._turns.lane().running
        if running and running.commit in runs and not runs[running.commit].is_open:
            following = self._turns.end(running.commit)
            yield from [self._due(following)] if following else []

    def _open(self, commit: str, known: Run) -> Iterator[Event]:
        if known.stage == BUILDING:
            yield from self._ended(commit, known)
        elif time.time() - known.at > PATIENCE_SECONDS:
            yield from self._not_started(commit, known)

    def _ended(self, commit: str, known: Run) -> Iterator[Event]:
        try:
            seen = self._builds.look(commit, known)
        except CiError:  # away, or a build that is not ours: the next poll asks again
            return
        if seen.state == LOST and not known.lost:
            # Nothing ran yet, so nothing can be built twice.
            if self._runs.advance(commit, run.lose(time.time())):
                yield self._due(commit)
        elif seen.state not in GOES_ON and not _may_be_told(seen):
            yield self._event(FINISHED, commit, build=seen.number, status=seen.status)

    def _not_started(self, commit: str, known: Run) -> Iterator[Event]:
        if known.stage == STARTING:
            under_way = time.time() - known.at <= self._builds.server.start_timeout
            if self._adopted(commit, known) or under_way:
                return
            self._runs.advance(commit, run.put_back(time.time()))
        now = self._turns.lane()
        if not build_queue.has(now, commit):
            now = self._turns.enter(commit)
        if now.running and now.running.commit == commit and self._builds.server.answers(self._project):
            yield self._due(commit)

    def _adopted(self, commit: str, known: Run) -> bool:
        """Whether the server has the build, although the action that started it could not say so."""
        try:
            queue_id = self._builds.server.started(self._project, commit, known.branch, known.at)
        except CiMissing:
            return False
        return bool(queue_id) and self._runs.advance(commit, run.queue(time.time(), queue_id))

    def _due(self, commit: str) -> Event:
        return self._event(DUE, commit)

    def _event(self, trigger: str, commit: str, **more: object) -> Event:
        payload = {"project": self._project.name, "commit": commit, **more}
        return Event(trigger, payload, identifiers.trace_tag(self._project.repository, commit))


def _may_be_told(seen: Seen) -> bool:
    """Whether the build ended just now; a clock of the server's that is ahead does not count."""
    if seen.result is None or seen.result.status is None:
        return False
    ended = seen.result.started + seen.result.seconds
    return 0 <= time.time() - ended < CALLBACK_SECONDS
