"""Every command that a page or a message prints is one that works: a reader types what is there."""

from collections.abc import Iterable

from tests.printed import plan
from tests.printed.checks import check_of
from tests.printed.commands import Command, printed

NOT_RUN = f"give a reason in {plan.FILE}, or a place among what is run `in_the_lab`:"


def told(heading: str, found: Iterable[str]) -> str:
    return "\n".join([heading, *sorted(set(found))])


def placed(commands: Iterable[Command]) -> list[str]:
    return [f"{command.where}: {command.line}" for command in commands]


def test_every_printed_command_is_accepted_by_what_it_calls():
    wrong = [
        f"{command.where}: `{command.printed}`: {problem}"
        for command in printed()
        if (check := check_of(command)) and command.line not in plan.not_run_here()
        if (problem := check(command))
    ]

    assert not wrong, told("printed, and does not work:", wrong)


def test_a_command_that_only_running_it_can_check_is_run_or_says_why_not():
    unknown = [c for c in printed() if check_of(c) is None and not plan.is_run(c)]
    unknown = [command for command in unknown if command.line not in plan.not_run_here()]

    assert not unknown, told(NOT_RUN, placed(unknown))


def test_every_command_of_readme_operations_and_the_labs_guide_is_run_or_says_why_not():
    there = [command for command in printed() if command.where.startswith(plan.RUN_AS_A_WHOLE)]
    unknown = [c for c in there if not plan.is_run(c) and c.line not in plan.not_run_here()]

    assert not unknown, told(NOT_RUN, placed(unknown))


def test_the_lists_hold_no_command_that_is_printed_no_more():
    stale = plan.listed() - {command.line for command in printed()}

    assert not stale, told(f"no page and no message prints it; take it out of {plan.FILE}:", stale)


def test_something_of_each_kind_was_found():
    places = {command.where.rpartition(":")[0] for command in printed()}

    assert {"README.md", "docs/operations.md", "cicd.yaml.example", "lab/description.py"} <= places
    assert any(place.startswith("actions/lib/cicd/") for place in places)
    assert sum(command.spoken for command in printed()) > 20
