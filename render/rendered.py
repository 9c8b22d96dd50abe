"""One file as it is on this host: replaced when its text is another one and found right, and then applied."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path

from follow import command, files
from follow.errors import FollowError
from render.job import FILE, Job
from render.quiet import Quiet

HOME = Path("/")  # where commands run
RETRY_SECONDS = 10  # after which what failed is tried again with the same text


class Rendered:
    """
    What is known of the file, next to the file itself.

    *mark* has the digest of what was applied last: a change that was not, because this program was killed,
    is applied by the next one.
    """

    def __init__(self, mark: Path) -> None:
        self._mark, self._quiet = mark, Quiet()
        self._failed = ("", "", 0.0)

    @property
    def is_waiting(self) -> bool:
        """Whether a text waits until nothing changes any more."""
        return self._quiet.is_waiting

    def bring(self, job: Job, text: str, now: float) -> None:
        """Let the file have *text*, and apply it; FollowError says why it does not, and the file stays."""
        failed, why, again = self._failed
        if failed == text and now < again:
            raise FollowError(why)
        try:
            self._bring(job, text, now)
            self._failed = ("", "", 0.0)
        except FollowError as error:
            self._failed = (text, str(error), now + RETRY_SECONDS)
            self._quiet.end()
            raise

    def _bring(self, job: Job, text: str, now: float) -> None:
        if not _has(job, text):
            if not self._quiet.is_over(text, now, job.quiet_seconds):
                return
            files.replace(job.destination, text, partial(self._refuse_wrong, job), job.access)
        self._quiet.end()
        if self._applied() != digest(text):
            _apply(job)
            self._note(digest(text))

    def _refuse_wrong(self, job: Job, new: Path) -> None:
        why = command.failure([word.replace(FILE, str(new)) for word in job.check], HOME) if job.check else ""
        if why:
            raise FollowError(f"{job.check[0]} refuses it, and {job.destination} stays as it was: {why}")
        self._mark.unlink(missing_ok=True)

    def _applied(self) -> str:
        try:
            return self._mark.read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def _note(self, applied: str) -> None:
        partial_mark = self._mark.with_name(f".{self._mark.name}.new")
        partial_mark.write_text(applied, encoding="ascii")
        os.replace(partial_mark, self._mark)


def digest(text: str) -> str:
    """Return what stands for *text* in reports."""
    return hashlib.sha256(text.encode()).hexdigest()


def _has(job: Job, text: str) -> bool:
    try:
        return job.access.fits(job.destination) and job.destination.read_bytes() == text.encode()
    except OSError:
        return False


def _apply(job: Job) -> None:
    why = command.failure(job.apply, HOME) if job.apply else ""
    if why:
        raise FollowError(f"{job.destination} is written, but {job.apply[0]} fails: {why}")
