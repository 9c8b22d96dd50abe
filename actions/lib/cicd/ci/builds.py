"""The builds of one project: started in turn, read again when told of, looked for when not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Mapping, TypedDict

from cicd.ci import artifacts, ci_servers, run
from cicd.ci.build_queue import QueueEntry, replaced_by
from cicd.ci.queue_store import Turns
from cicd.ci.run import PASSED, Command, Run
from cicd.clients.ci_server import SUCCESS, BuildResult, CiServer
from cicd.clients.stackstorm import own_execution
from cicd.config import Project, Settings
from cicd.errors import CiAway, CicdError, CiError, CiMissing, CiMoved, CiSilent, Refused
from cicd.store.store import Store

QUEUED, RUNNING, ENDED = "QUEUED", "RUNNING", "ENDED"
CANCELLED, LOST, OVERDUE = "CANCELLED", "LOST", "OVERDUE"
GOES_ON = (QUEUED, RUNNING)


@dataclass(frozen=True)
class Seen:
    """How a build was found: one of the states above, and what its server says of it."""

    state: str
    result: BuildResult | None = None

    @property
    def status(self) -> str:
        """The server's own word for a build that ended, else the state."""
        return (self.result.status or self.state) if self.result and self.state == ENDED else self.state

    @property
    def number(self) -> int:
        """The build's number; 0 when it never began."""
        return self.result.number if self.result else 0


class Started(TypedDict):
    """The start of a build: its number in the server's queue, or 0 and why there is none."""

    queue_id: int
    why: str


class Passed(TypedDict):
    """
    What follows a build that passed: whether its pipeline may `proceed`, and `deploy` after it.

    `superseded` is the newer commit that passed before, `next` the one whose turn came; both may be empty.
    """

    proceed: bool
    deploy: bool
    superseded: str
    result: BuildResult
    next: str


class Builds:
    """The CI of *project*."""

    def __init__(self, project: Project, store: Store, server: CiServer) -> None:
        self.project = project
        self.turns = Turns(store, project.name)
        self.server = server
        self._runs = self.turns.runs

    @classmethod
    def of(cls, settings: Settings, project: str) -> Builds:
        """Return the CI of the project called *project*."""
        found = settings.project(project)
        return cls(found, Store(settings), ci_servers.of(settings, found))

    def start(self, commit: str) -> Started:
        """
        Start the build of *commit* if it is its turn; `queue_id` is 0 when it is not, or not known yet.

        A server that is away leaves the run for another try; one that refuses fails it. One that may have
        started the build and did not say so is asked for it later: nothing is built twice.
        """
        known = self._run(commit)
        running = self.turns.enter(commit).running if known.is_open else None
        if running is None or running.commit != commit:
            return {"queue_id": 0, "why": f"it is {known.stage}"}
        if not self._runs.advance(commit, run.start(time.time(), running.order)):
            return {"queue_id": 0, "why": "its build was started already"}
        queue_id = self._queue(commit, known.branch)
        if queue_id:
            self._runs.advance(commit, run.queue(time.time(), queue_id, own_execution()))
        return {"queue_id": queue_id, "why": ""}

    def began(self, commit: str, number: int) -> BuildResult:
        """Return build *number* (0: its newest) of *commit*, which must really be one."""
        return self._read(commit, number, self._run(commit))

    def passed(self, commit: str, number: int, execution: str = "") -> Passed:
        """
        Claim the success of *commit*, which build *number* (0: its newest) must really be.

        `proceed` is true for one execution per run, and never when a newer commit passed before.
        An *execution* that died before it could say so, and runs again, still proceeds.
        """
        known = self._run(commit)
        result = self._read(commit, number, known)
        if result.status != SUCCESS:
            raise CiError(
                f"{self.label(result.number)} of {self.project.name} at {commit[:7]} is "
                f"{result.status or 'still running'}, not SUCCESS.",
                f"Nothing was packaged. See {self.server.console_page(self.project, result.number)}",
            )
        turn = QueueEntry(commit, known.order)
        newer = replaced_by(self.turns.lane(), turn)
        archived = {} if newer or known.stage == PASSED else self._archived(result.number)
        first = self._runs.advance(commit, _ended_well(result, execution, newer, archived))
        first = first or _claimed(known, execution)
        if first and not newer:
            self.turns.passed(commit, turn.order)
        return {
            "proceed": first and not newer,
            "deploy": known.deploy,
            "superseded": newer,
            "result": result,
            "next": self.turns.end(commit),
        }

    def failed(self, commit: str) -> tuple[Seen, str]:
        """
        Close the run of *commit* because its build did not succeed, as its server itself must say.

        Only the build that the run recorded can fail it, whichever one somebody told of. Returns what
        was seen, and the commit whose turn came by it.
        """
        known = self._run(commit)
        seen = self.look(commit, known)
        self._refuse_good(seen, commit)
        self._refuse_passed(known, commit)
        if seen.state == OVERDUE:
            self._stop(seen, known)
        self._runs.advance(commit, run.fail(time.time(), seen.number, seen.status))
        return seen, self.turns.end(commit)

    def look(self, commit: str, known: Run) -> Seen:
        """Return how the build that *known*, the run of *commit*, recorded stands."""
        if known.status in (CANCELLED, LOST):
            return Seen(known.status)
        self._refuse_unstarted(commit, known)
        number = known.build
        if not number:
            item = self.server.queue_item(self.project, known.queue_id)
            if item and not item.number:
                return self._queued(known, item.cancelled)
            number = item.number if item else self._number_of(commit, known)
        if not number:
            return Seen(LOST)
        try:
            result = self._verified(self.server.result(self.project, number), commit, known)
        except CiMissing:
            return Seen(LOST)
        return self._timed(result, known)

    def label(self, number: int) -> str:
        """Return how people call build *number*."""
        return self.server.label(self.project, number)

    def _run(self, commit: str) -> Run:
        known = self._runs.find(commit)
        if known is None:
            raise Refused(
                f"No run of {self.project.name} waits for a build of {commit[:7]}.",
                f"Push it, or run `st2 run cicd.git_push project={self.project.name} commit={commit}`.",
            )
        return known

    def _queue(self, commit: str, branch: str) -> int:
        try:
            return self.server.start(self.project, commit, branch)
        except CiAway as error:
            if not isinstance(error, CiSilent):
                self._runs.advance(commit, run.put_back(time.time()))
            error.hint = f"{error.hint} The build starts once it answers."
            raise
        except CicdError as error:
            self._give_up(commit, error)
            error.details = {**error.details, "next": self.turns.end(commit)}
            raise

    def _give_up(self, commit: str, error: CicdError) -> None:
        if isinstance(error, CiMoved):
            self._runs.advance(commit, run.put_back(time.time()))
            self._runs.advance(commit, run.supersede(time.time(), error.head))
        else:
            self._runs.advance(commit, run.refuse(time.time()))

    def _read(self, commit: str, number: int, known: Run) -> BuildResult:
        return self._verified(self.server.of_commit(self.project, commit, number), commit, known)

    def _verified(self, result: BuildResult, commit: str, known: Run) -> BuildResult:
        return self.server.verified(self.project, result, commit, known.branch)

    def _archived(self, number: int) -> Mapping[str, str]:
        return artifacts.recorded(self.server, self.project, number)

    def _queued(self, known: Run, cancelled: bool) -> Seen:
        if cancelled:
            return Seen(CANCELLED)
        return Seen(OVERDUE if _is_over(self.server.queue_timeout, known.at) else QUEUED)

    def _timed(self, result: BuildResult, known: Run) -> Seen:
        if result.status is not None:
            return Seen(ENDED, result)
        began = max(known.at, result.started)
        return Seen(OVERDUE if _is_over(self.server.build_timeout, began) else RUNNING, result)

    def _number_of(self, commit: str, known: Run) -> int:
        found = self.server.results(self.project, commit)
        return next((r.number for r in found if r.queue_id == known.queue_id), 0)

    def _refuse_good(self, seen: Seen, commit: str) -> None:
        if seen.status in (SUCCESS, *GOES_ON):
            raise CiError(
                f"{self.label(seen.number)} of {self.project.name} at {commit[:7]} did not fail: "
                f"{self.server.name} says {seen.status}.",
                "Nothing was changed. The pack still waits for its real end.",
            )

    def _refuse_passed(self, known: Run, commit: str) -> None:
        if known.stage == PASSED:
            raise CiError(
                f"{self.label(known.build)} of {self.project.name} at {commit[:7]} passed and was taken; "
                "its later failure changes nothing.",
                "If its version must not go on, veto it; docs/operations.md says how.",
            )

    def _refuse_unstarted(self, commit: str, known: Run) -> None:
        if not (known.build or known.queue_id):
            raise CiError(
                f"The run of {self.project.name} at {commit[:7]} has no build that could have ended: "
                f"it is {known.stage}.",
                "Nothing was changed. The reported end was that of another build.",
            )

    def _stop(self, seen: Seen, known: Run) -> None:
        if seen.number:
            self.server.stop(self.project, seen.number)
        else:
            self.server.cancel(self.project, known.queue_id)


def _ended_well(result: BuildResult, execution: str, newer: str, archived: Mapping[str, str]) -> Command:
    now = time.time()
    if newer:
        return run.come_late(now, result.number, execution, newer)
    return run.succeed(now, result.number, execution, archived, result.started + result.seconds)


def _claimed(known: Run, execution: str) -> bool:
    return bool(execution) and known.stage == PASSED and known.claimed_by == execution


def _is_over(limit: int, since: float) -> bool:
    return time.time() - since > limit
