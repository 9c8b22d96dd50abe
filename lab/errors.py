"""What can go wrong when a lab is started: a sentence, and what to do."""

from __future__ import annotations


class LabError(Exception):
    """An expected failure: *message* says what is wrong, *hint* how to fix it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class Unfit(LabError):
    """The machine lacks several things: one LabError each."""

    def __init__(self, problems: list[LabError]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), "")
        self.problems = problems
