"""What is done with each printed command: commands.yaml, and the lab's guide, which is run as it is."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from tests.printed.commands import Command, printed

FILE = "tests/printed/commands.yaml"
GUIDE = "lab/description.py"
RUN_AS_A_WHOLE = ("README.md", "docs/operations.md", GUIDE)  # each command of these is run, or has a reason


@functools.cache
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(__file__).with_name("commands.yaml").read_text()))


def not_run_here() -> dict[str, str]:
    """Return why a command is not run here, by the command."""
    return {line: reason for reason, lines in _data()["not_run_here"].items() for line in lines}


def in_the_lab() -> list[dict[str, Any]]:
    """Return the commands that are run in a lab, in order, with what must hold."""
    return [row if isinstance(row, dict) else {"run": row} for row in _data()["in_the_lab"]]


def run_by_another_test() -> dict[str, str]:
    """Return the file of the test that runs a command, by the command."""
    return {line: test for test, lines in _data()["run_by_another_test"].items() for line in lines}


def listed() -> set[str]:
    """Return the commands that commands.yaml names."""
    return {*not_run_here(), *run_by_another_test(), *(row["run"] for row in in_the_lab())}


def is_run(command: Command) -> bool:
    """Return whether a test types the command, on whichever page it stands."""
    return command.line not in not_run_here() and command.line in {*listed(), *_of_the_guide()}


@functools.cache
def _of_the_guide() -> frozenset[str]:
    return frozenset(command.line for command in printed() if command.where.startswith(GUIDE))


def summary() -> str:
    """Return how many different commands are run, only checked, and neither."""
    run = {command.line for command in printed() if is_run(command)}
    neither = {command.line for command in printed()} & set(not_run_here()) - run
    checked = {command.line for command in printed()} - run - neither
    return (
        f"printed commands: {len(run)} run, {len(checked)} checked without running them, "
        f"{len(neither)} not run here ({FILE} says why)"
    )
