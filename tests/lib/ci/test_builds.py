"""What a build does to the run of its commit, with a real Consul and a CI server in memory."""

import hashlib
import itertools
import time
from dataclasses import dataclass, field, replace

import pytest
import requests

from cicd.ci import build_reconciler, push_handler, run
from cicd.ci.builds import Builds
from cicd.ci.push import Push
from cicd.ci.run import ACCEPTED, BUILDING, FAILED, PASSED, STARTING, SUPERSEDED, WAITING, Run
from cicd.clients.ci_server import BuildResult, CiServer, QueueItem
from cicd.errors import CiAway, CiError, ConfigError, Refused, UnreadableError
from cicd.store.store import Store
from tests.lib.consul_settings import settings

FIRST, SECOND = "1" * 40, "2" * 40


@dataclass
class Server(CiServer):
    """A CI server in memory, whose builds run at once and end when they are told to."""

    built: list[BuildResult] = field(default_factory=list)
    problem: Exception | None = None
    archived: dict[str, bytes] = field(default_factory=dict)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    name = "Memory"
    queue_timeout = build_timeout = 3600

    def answers(self, project) -> bool:
        return True

    def start(self, project, commit: str, branch: str) -> int:
        if self.problem:
            raise self.problem
        number = next(self.numbers)
        given = self.wanted(project, commit, branch)
        self.built.append(BuildResult(number, None, "http://j/", 1.0, time.time(), number, given))
        return number

    def wanted(self, project, commit: str, branch: str) -> dict[str, str]:
        return {"COMMIT": commit}

    def end(self, number: int, status: str) -> None:
        one = self.built[number - 1]
        self.built[number - 1] = BuildResult(
            number, status, one.url, 1.0, one.started - 60, number, one.parameters
        )

    def queue_item(self, project, queue_id: int) -> QueueItem | None:
        return QueueItem(queue_id)

    def started(self, project, commit: str, branch: str, since: float) -> int:
        return next((one.number for one in self.results(project, commit)), 0)

    def result(self, project, number: int) -> BuildResult:
        return self.built[number - 1]

    def results(self, project, commit: str) -> list[BuildResult]:
        return [one for one in self.built if one.commit == commit]

    def stop(self, project, number: int) -> None:
        self.end(number, "ABORTED")

    def cancel(self, project, queue_id: int) -> None:
        self.end(queue_id, "ABORTED")

    def console_tail(self, project, number: int) -> str:
        return ""

    def artifacts(self, project, number: int) -> list[str]:
        return list(self.archived)

    def download(self, project, number: int, path: str, write, limit: int) -> int:
        write(self.archived[path])
        return len(self.archived[path])

    def page(self, project, number: int = 0) -> str:
        return f"http://j/{number}"

    def console_page(self, project, number: int) -> str:
        return self.page(project, number)

    def label(self, project, number: int = 0) -> str:
        return f"memory #{number}"


class Ci:
    def __init__(self, url: str) -> None:
        self.settings, self.server = settings(url), Server()
        self.store = Store(self.settings)
        project = self.settings.project("greeter")
        self.builds = Builds(project, self.store, self.server)

    def push(self, commit: str, before: str = "") -> None:
        repository = self.builds.project.repository
        told = Push(repository, "refs/heads/main", commit, "ann", before=before, default_branch="main")
        push_handler.take(self.settings, self.store, told, "github")

    def run(self, commit: str) -> Run:
        return self.builds.turns.runs.find(commit)

    def poll(self) -> list[tuple[str, str]]:
        found = build_reconciler.find(self.settings, self.store, lambda project: self.server)
        return [(event.trigger, event.payload["commit"]) for event in found]

    def age(self, commit: str) -> None:
        self.store.update(run.key("greeter", commit), lambda known: {**known, "at": known["at"] - 1000})


@pytest.fixture
def ci(consul: str) -> Ci:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    made = Ci(consul)
    made.push(FIRST)
    return made


def test_a_build_is_started_once_and_its_success_is_claimed_once(ci):
    assert ci.builds.start(FIRST) == {"queue_id": 1, "why": ""}
    assert ci.builds.start(FIRST) == {"queue_id": 0, "why": "its build was started already"}
    assert (ci.run(FIRST).stage, ci.run(FIRST).queue_id, ci.run(FIRST).order) == (BUILDING, 1, 1)
    ci.server.end(1, "SUCCESS")

    assert [ci.builds.passed(FIRST, 1, by)["proceed"] for by in ("e1", "e2", "e1")] == [True, False, True]
    assert (ci.run(FIRST).stage, ci.run(FIRST).build, ci.run(FIRST).claimed_by) == (PASSED, 1, "e1")
    assert ci.builds.start(FIRST) == {"queue_id": 0, "why": "it is passed"}


def test_what_waits_is_superseded_by_what_came_after_it(ci):
    ci.builds.start(FIRST)
    ci.push(SECOND, before=FIRST)
    ci.push("3" * 40, before=SECOND)

    assert (ci.run(SECOND).stage, ci.run(SECOND).by) == (SUPERSEDED, "3" * 40)
    assert ci.run("3" * 40).stage == WAITING
    assert ci.builds.start("3" * 40)["why"] == "it is waiting"


def test_a_build_that_failed_closes_its_run_and_gives_the_turn_on(ci):
    ci.builds.start(FIRST)
    ci.push(SECOND, before=FIRST)
    with pytest.raises(CiError, match="did not fail"):
        ci.builds.failed(FIRST)
    ci.server.end(1, "FAILURE")

    assert ci.poll() == [(build_reconciler.FINISHED, FIRST)]
    assert ci.builds.failed(FIRST)[1] == SECOND
    assert (ci.run(FIRST).stage, ci.run(FIRST).status, ci.run(FIRST).build) == (FAILED, "FAILURE", 1)


def test_a_build_that_passes_after_a_newer_one_is_superseded(ci):
    ci.builds.start(FIRST)
    ci.server.end(1, "FAILURE")
    ci.builds.failed(FIRST)
    ci.push(SECOND, before=FIRST)
    ci.builds.start(SECOND)
    ci.server.end(2, "SUCCESS")
    assert ci.builds.passed(SECOND, 2)["proceed"]
    ci.server.end(1, "SUCCESS")

    late = ci.builds.passed(FIRST, 1)

    assert (late["proceed"], late["superseded"]) == (False, SECOND)
    assert (ci.run(FIRST).stage, ci.run(FIRST).by) == (SUPERSEDED, SECOND)


def test_a_server_that_is_away_leaves_the_run_for_later_and_one_that_refuses_fails_it(ci):
    ci.server.problem = CiAway("It is away.", "")
    with pytest.raises(CiAway):
        ci.builds.start(FIRST)
    assert ci.run(FIRST).stage == ACCEPTED
    ci.server.problem = Refused("no such job", "")
    with pytest.raises(Refused):
        ci.builds.start(FIRST)

    assert (ci.run(FIRST).stage, ci.run(FIRST).status) == (FAILED, "REFUSED")


def test_a_build_that_the_server_forgot_is_due_again_once(ci):
    ci.builds.start(FIRST)
    ci.server.queue_item = lambda project, queue_id: None
    ci.server.results = lambda project, commit: []

    assert ci.poll() == [(build_reconciler.DUE, FIRST)]
    assert (ci.run(FIRST).stage, ci.run(FIRST).lost) == (ACCEPTED, 1)
    ci.builds.start(FIRST)
    assert ci.poll() == [(build_reconciler.FINISHED, FIRST)]


def test_a_start_that_nobody_finished_is_found_there_or_due_again(ci):
    ci.builds.turns.runs.advance(FIRST, run.start(time.time(), 1))
    assert ci.poll() == []
    ci.age(FIRST)

    assert ci.poll() == [(build_reconciler.DUE, FIRST)]
    assert ci.run(FIRST).stage == ACCEPTED
    ci.builds.turns.runs.advance(FIRST, run.start(time.time(), 1))
    assert ci.run(FIRST).stage == STARTING
    ci.age(FIRST)
    ci.server.start(None, FIRST, "main")
    assert ci.poll() == []
    assert (ci.run(FIRST).stage, ci.run(FIRST).queue_id) == (BUILDING, 1)


def test_a_start_that_may_take_long_is_not_made_again_meanwhile_and_its_build_is_found(ci):
    ci.server.start_timeout = 3600
    ci.builds.turns.runs.advance(FIRST, run.start(time.time(), 1))
    ci.age(FIRST)

    assert ci.poll() == []
    assert ci.run(FIRST).stage == STARTING
    ci.server.start(None, FIRST, "main")
    assert ci.poll() == []
    assert (ci.run(FIRST).stage, ci.run(FIRST).queue_id) == (BUILDING, 1)


def test_a_run_far_ahead_of_the_clock_is_recorded_as_of_now(ci):
    key = run.key("greeter", FIRST)
    ci.store.update(key, lambda known: {**known, "at": known["at"] + 10**6})

    ci.poll()

    assert ci.run(FIRST).at <= time.time()


def test_what_a_build_archived_is_recorded_by_its_digest_when_it_is_read_as_passed(ci, monkeypatch):
    ci.server.archived = {"dist/app.jar": b"made", "large": bytes(100), "after": b"x"}
    monkeypatch.setattr("cicd.ci.artifacts.MOST_BYTES", 50)
    ci.builds.start(FIRST)
    ci.server.end(1, "SUCCESS")
    ci.builds.passed(FIRST, 1)
    ci.server.archived["dist/app.jar"] = b"changed"
    ci.builds.passed(FIRST, 1)

    assert ci.run(FIRST).artifacts == {"dist/app.jar": hashlib.sha256(b"made").hexdigest()}


@pytest.mark.parametrize(
    "trouble",
    [CiAway("It is away."), ConfigError("Its token cannot be read."), UnreadableError("A run is odd.")],
)
def test_the_trouble_of_one_project_keeps_nothing_from_another(ci, trouble):
    def away(*_) -> int:
        raise trouble

    ci.builds.start(FIRST)
    ci.server.end(1, "FAILURE")
    silent, told = Server(), []
    silent.started = away
    other = replace(ci.builds.project, name="another")
    ci.store.put(run.key("another", SECOND), {"stage": "starting", "at": 1.0})
    both = replace(ci.settings, projects={"another": other, **ci.settings.projects})

    def find() -> None:
        for event in build_reconciler.find(both, ci.store, lambda one: silent if one == other else ci.server):
            told.append(event.trigger)

    with pytest.raises(type(trouble)):
        find()
    assert told == [build_reconciler.FINISHED]
