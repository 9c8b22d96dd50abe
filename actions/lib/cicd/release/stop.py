"""Where and why a run or a deploy stopped, and what to do next: short, and harmless to show. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import cast

from cicd.errors import CicdError
from cicd.release.stored import StoredStop
from cicd.sanitize import beginning, one_line

WHY_CHARACTERS = 500
HINT_CHARACTERS = 300
LOG_CHARACTERS = 600


@dataclass(frozen=True)
class Stop:
    """
    The end of something that did not end well.

    `step` is where, `execution` the one that says so, `log` the last lines of what failed.
    `version` is the one whose deploy stopped; `back` says why going back from it failed, too.
    """

    step: str
    why: str
    hint: str = ""
    log: str = ""
    execution: str = ""
    when: float = 0.0
    version: str = ""
    back: str = ""

    @property
    def sentence(self) -> str:
        """Where and why, with what the failing unit said last."""
        said = f" It said last: {self.log}" if self.log else ""
        where = f"at {self.step}: " if self.step else ""
        return f"{where}{self.why}{said}"


def of(step: str, error: CicdError, execution: str, when: float) -> Stop:
    """Return the stop at *step* that *error* is."""
    return Stop(
        step=one_line(step, 60),
        why=beginning(error.message, WHY_CHARACTERS),
        hint=beginning(error.hint, HINT_CHARACTERS),
        log=one_line(str(error.details.get("log", "")), LOG_CHARACTERS),
        execution=one_line(execution, 60),
        when=when,
    )


def went_back_badly(stop: Stop, why: str, hint: str = "") -> Stop:
    """Return *stop* with *why* going back failed as well, and what can be done about both."""
    return replace(stop, back=beginning(why, WHY_CHARACTERS), hint=beginning(hint, HINT_CHARACTERS))


def to_json(stop: Stop | None) -> StoredStop | None:
    """Return *stop* as plain data for the store."""
    return cast(StoredStop, asdict(stop)) if stop else None


def from_json(data: StoredStop | None) -> Stop | None:
    """Return the stop stored as *data*; None where there is none."""
    return Stop(**data) if data else None
