"""What the pack asks of a CI server, whichever it is: start a build of one commit, and read it again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Callable, Mapping

from cicd.config import Project
from cicd.errors import CiError, CiMissing
from cicd.sanitize import neutral

SUCCESS = "SUCCESS"
CONSOLE_LINES = 20
CLOCK_SECONDS = 60  # by which a server's clock may differ


@dataclass(frozen=True)
class BuildResult:
    """
    What the server says of a build: `status` is None while it runs, `started` epoch seconds by its clock.

    `parameters` say what it was asked to build, by the names of `CiServer.wanted`.
    """

    number: int
    status: str | None
    url: str
    seconds: float
    started: float
    queue_id: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The commit that it was asked to build."""
        return str(self.parameters.get("COMMIT", ""))


@dataclass(frozen=True)
class QueueItem:
    """A wish for a build: `number` is 0 until the build began."""

    number: int = 0
    cancelled: bool = False


class CiServer(ABC):
    """
    One CI server, as it sees the pack's user.

    Every question raises CiAway when it cannot be reached, CiMissing for what does not exist there, and
    CiError when it refuses.
    """

    name: str  # as people call it
    queue_timeout: int  # seconds that a build may wait
    build_timeout: int  # seconds that a build may run
    start_timeout: int = 20  # seconds that a start may take until its build is found; then it is made again

    @abstractmethod
    def answers(self, project: Project) -> bool:
        """Whether it answers, and knows the pack's user; else raise."""

    @abstractmethod
    def start(self, project: Project, commit: str, branch: str) -> int:
        """
        Ask for a build of *commit* of *branch*, and return its queue id; 0 when it does not say.

        CiSilent when it may have been started all the same, CiMoved when it could only build another commit.
        """

    @abstractmethod
    def wanted(self, project: Project, commit: str, branch: str) -> Mapping[str, str]:
        """Return the parameters of a build that is one of *commit* of *branch* for *project*."""

    @abstractmethod
    def queue_item(self, project: Project, queue_id: int) -> QueueItem | None:
        """Return the queue item *queue_id*; None when the server does not know it (any more)."""

    @abstractmethod
    def started(self, project: Project, commit: str, branch: str, since: float) -> int:
        """Return the queue id of a build that was asked for since then, though no answer came; 0 for none."""

    @abstractmethod
    def result(self, project: Project, number: int) -> BuildResult:
        """Return what became of build *number*."""

    @abstractmethod
    def results(self, project: Project, commit: str) -> list[BuildResult]:
        """Return the newest builds of *commit*, newest first."""

    @abstractmethod
    def stop(self, project: Project, number: int) -> None:
        """Stop build *number*."""

    @abstractmethod
    def cancel(self, project: Project, queue_id: int) -> None:
        """Take the item *queue_id* out of the queue."""

    @abstractmethod
    def console_tail(self, project: Project, number: int) -> str:
        """Return the last lines of what the build said, neutral."""

    @abstractmethod
    def artifacts(self, project: Project, number: int) -> list[str]:
        """Return the paths of what build *number* archived."""

    @abstractmethod
    def download(
        self, project: Project, number: int, path: str, write: Callable[[bytes], object], limit: int
    ) -> int:
        """
        Give *write* what build *number* archived as *path*, piece by piece, and return its size in bytes.

        Of what is larger than *limit* it gets a part, and the size returned is above the limit.
        """

    @abstractmethod
    def page(self, project: Project, number: int = 0) -> str:
        """Return where people see build *number*, or with 0 all builds of *project*."""

    @abstractmethod
    def console_page(self, project: Project, number: int) -> str:
        """Return where people read what build *number* said."""

    @abstractmethod
    def label(self, project: Project, number: int = 0) -> str:
        """Return how people call build *number*, or what builds *project*."""

    def of_commit(self, project: Project, commit: str, number: int = 0) -> BuildResult:
        """Return build *number* of *project*, or with 0 the newest build of *commit*."""
        if number:
            return self.result(project, number)
        found = self.results(project, commit)
        if found:
            return found[0]
        raise CiMissing(
            f"{self.label(project)} has no build of {project.name} at {commit[:7]}.",
            f"It may still be queued; look at it in {self.name}: {self.page(project)}",
        )

    def verified(self, project: Project, result: BuildResult, commit: str, branch: str) -> BuildResult:
        """
        Return *result* when it is a build of *commit* of *branch*, else raise CiError.

        Who tells of a build only hints at it: what was built counts as the server itself reports it.
        """
        wanted, given = self.wanted(project, commit, branch), result.parameters
        other = [name for name, value in wanted.items() if given.get(name) != value]
        if not other:
            return result
        raise CiError(
            f"{self.label(project, result.number)} built {neutral(given.get('PROJECT') or 'no project', 64)} "
            f"at {neutral(result.commit[:7]) or 'no commit'}, not {project.name} at {commit[:7]} "
            f"as its callback claims (it differs in {', '.join(other)}).",
            "Nothing was changed; the pack still waits for the build of the commit itself.",
        )
