"""The live view: one line a step as it ends, with its duration and execution."""

from __future__ import annotations

import sys
import time
from typing import Any

from demo.steps import Step, ended_steps

MARKS = {"succeeded": "✓", "failed": "✗", "timeout": "✗", "abandoned": "✗", "canceled": "-"}
BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class View:
    """Prints to a terminal or a file, with colour only on a terminal."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty()
        self._started = time.monotonic()
        self._shown: set[tuple[str, int]] = set()
        self._trace = ""
        self._pushed = 0.0
        self.steps: dict[str, list[Step]] = {}

    def title(self, text: str) -> None:
        """Begin a story."""
        print(f"\n{self._paint(BOLD, text)}", flush=True)

    def say(self, text: str) -> None:
        """Print a line of the story."""
        print(f"      {text}", flush=True)

    def verdict(self, passed: bool, text: str) -> None:
        """End a story."""
        print(f"   {self._paint(GREEN if passed else RED, '✓' if passed else '✗')}  {text}", flush=True)

    def watch(self, trace: str, pushed: float) -> None:
        """Show the steps of *trace* from now on; the push itself took *pushed* seconds."""
        self._trace, self._pushed = trace, pushed
        self.say(self._paint(DIM, trace))

    def show(self, roots: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
        """Print the steps that have ended since the last look."""
        self.steps[self._trace] = ended_steps(roots, {1: self._pushed})
        for step in self.steps[self._trace]:
            if (self._trace, step.number) not in self._shown:
                self._shown.add((self._trace, step.number))
                print(self._line(step), flush=True)

    def _line(self, step: Step) -> str:
        good = step.status == "succeeded"
        mark = self._paint(GREEN if good else RED, MARKS.get(step.status, "?"))
        clock = f"{time.monotonic() - self._started:6.1f}"
        return f"{clock} {mark} {step.number:>2}  {step.name:<48}{step.seconds:>7.2f} s  {step.execution_id}"

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if self._colour else text
