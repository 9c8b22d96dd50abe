"""A step that dies leaves a sentence in its workflow's output, whatever StackStorm has for a result."""

from typing import Any

import pytest

from st2local.engine.definition import expression_base
from tests.pack.test_contract import WORKFLOWS

EXECUTION = "5f0c0000000000000000a11e"
FIRST = {"error": "web1 failed.", "hint": "Repair it."}  # of the step before, which stays said
# Of a traceback or a timeout, of a killed runner, and of a workflow that could not render its output.
WITHOUT_RESULT = [{"result": "None", "stderr": "Traceback", "exit_code": 1}, {}, {"output": None}]


def steps() -> list[tuple[str, str]]:
    return [
        (workflow, task)
        for workflow, definition in WORKFLOWS.items()
        for task, spec in definition["tasks"].items()
        if spec["action"].startswith("cicd.")
    ]


def published(workflow: str, task: str, result: dict[str, Any], status: str = "failed") -> dict[str, Any]:
    """Return what *task* publishes where it takes a failure, when StackStorm has *result* for it."""
    spec = WORKFLOWS[workflow]["tasks"][task]
    current = {"id": task, "route": 0, "result": [result] if "with" in spec else result}
    context = {
        "project": "greeter",
        "host": "greeter-production-1",
        "failure": FIRST,
        "st2": {"action_execution_id": EXECUTION},
        "__current_task": current,
        "__state": {"tasks": {f"{task}__r0": 0}, "sequence": [{"status": status}]},
    }
    taking = [t for t in spec["next"] if "failed()" in t["when"] or t["when"] == "<% completed() %>"]
    entries = [entry for transition in taking for entry in transition.get("publish", [])]
    return {
        name: expression_base.evaluate(text, context) for entry in entries for name, text in entry.items()
    }


@pytest.mark.parametrize(("workflow", "task"), steps())
def test_a_step_that_left_no_result_is_named_in_a_sentence_with_the_command_that_shows_why(workflow, task):
    action = WORKFLOWS[workflow]["tasks"][task]["action"].removeprefix("cicd.")
    for result in WITHOUT_RESULT:
        said = published(workflow, task, result)
        if said.get("failure", FIRST) != FIRST:
            assert said["failure"]["error"].startswith(action), "which step"
            assert said["failure"]["error"].endswith("ended without a result.")
            assert said["failure"]["hint"] == f"See why: st2 execution get {EXECUTION}"


@pytest.mark.parametrize(("workflow", "task"), steps())
def test_a_step_that_says_why_it_failed_is_passed_on_as_it_is(workflow, task):
    why = {"error": "greeter has no canary.", "hint": "Deploy one."}

    said = published(workflow, task, {"result": why, "output": {"error": why}})

    assert said.get("failure", why) == why


@pytest.mark.parametrize(("workflow", "task"), steps())
def test_a_step_that_went_well_publishes_no_failure(workflow, task):
    spec = WORKFLOWS[workflow]["tasks"][task]
    if any(t["when"] == "<% completed() %>" for t in spec["next"]):
        said = published(workflow, task, {"output": {"hosts": [], "error": None}}, status="succeeded")

        assert said.get("failure") is None


def test_every_step_that_ends_its_workflow_says_a_failure():
    silent = {
        f"{workflow}.{task}"
        for workflow, task in steps()
        if "failure" not in published(workflow, task, {"result": {"error": "It broke."}})
    }

    # Tidying up after a package is there, or after a failure that is kept already.
    assert silent == {
        "provision_host.remove_machine",
        "publish_apt_package.clean_build",
        "publish_apt_package.clean_after_failure",
    }
