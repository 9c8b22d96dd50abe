"""The demo's four commits, one after the other."""

import pytest

from demo.steps import NAMES
from demo.stories import PROJECT, STORIES
from tests.acceptance.conftest import HOOK

# GitHub sends no trace tag: past the gateway the trace begins with what Jenkins tells.
FIRST = 1 if HOOK == "gateway" else 4


@pytest.mark.parametrize(("name", "story"), STORIES, ids=[name for name, _ in STORIES])
def test_story(teller, name, story):
    story(teller)


def test_all_19_steps_of_the_first_commit_are_in_the_execution_tree(teller):
    first = next(iter(teller.view.steps.values()))

    assert [(step.number, step.status) for step in first] == [
        (n, "succeeded") for n in range(FIRST, len(NAMES) + 1)
    ]


def test_history_says_who_what_and_why(stackstorm):
    history = stackstorm.run("cicd.get_release", project=PROJECT)["result"]["result"]["history"]

    assert {"promote", "restore", "confirm", "advertise_canary"} <= {entry["what"] for entry in history}
    assert all(entry["who"] and entry["why"] and entry["when"] for entry in history)
