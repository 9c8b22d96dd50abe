"""What is done with an event of GitHub Actions, and when it leaves a line in list_events."""

from collections.abc import Callable

import pytest
import requests

from cicd.ci import event_log, run, run_handler
from cicd.errors import InputError
from cicd.store.store import Store
from tests.lib.ci.test_reported_run import COMMIT, NUMBER, event
from tests.lib.consul_settings import settings

REPOSITORY = {"repository": "acme/shop"}
BUILT_THERE = {"ci": {"driver": "github_actions"}}


class Pack:
    """The pack with one project, and what it recorded."""

    def __init__(self, consul: str, **project: object) -> None:
        self.settings = settings(consul, projects={"api": {**REPOSITORY, **project}})
        self.store = Store(self.settings)

    def take(self, told: dict) -> str:
        """Return the project of the run that *told* is about."""
        return run_handler.take(self.settings, self.store, told)[1].project

    @property
    def lines(self) -> list[str]:
        return [entry["reason"] for entry in event_log.events(self.store, 9)[0]]


@pytest.fixture
def pack(consul: str) -> Callable[..., Pack]:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return lambda **project: Pack(consul, **(project or BUILT_THERE))


def test_a_run_that_was_asked_for_is_its_projects_and_leaves_no_line(pack):
    made = pack()
    made.store.put(run.key("api", COMMIT), {"stage": "building", "at": 1.0, "queue_id": NUMBER})

    assert made.take(event()) == "api"
    assert made.lines == []


def test_any_other_run_of_a_repository_that_is_built_there_leaves_a_line_once_it_ended(pack):
    made = pack()
    made.take({**event(event="push"), "action": "in_progress"})
    assert made.lines == []

    assert made.take(event(event="push")) == ""
    assert made.lines == [f"run {NUMBER} of ci.yaml: it was begun by push, and not by this pack"]


def test_runs_of_a_repository_that_jenkins_builds_leave_none(pack):
    made = pack(branch="main")

    assert (made.take(event()), made.lines) == ("", [])


def test_an_event_without_usable_identifiers_is_refused_with_a_line(pack):
    made = pack()
    with pytest.raises(InputError):
        made.take(event(id=0))

    assert made.lines == ["The id of the run cannot be used."]
