"""What GitHub was told is remembered, so that each thing is told once, with a GitHub in memory."""

import time
from dataclasses import dataclass, field

import pytest
import requests

from cicd.ci import run
from cicd.clients.github import GitHubBusy
from cicd.errors import GitHubError
from cicd.release import record, transitions
from cicd.release.record import Build, Cause
from cicd.reports import report, told
from cicd.reports.github_reporter import WriteBack
from cicd.reports.report import PENDING, SUCCESS, Report
from cicd.reports.told import Told
from cicd.store.store import Store
from tests.lib.consul_settings import settings

COMMIT, NOW = "a" * 40, 1000.0
KEY = "cicd/greeter/github"
BUILD = Build("1.0-1.aaaaaaa", "greeter", COMMIT, "0" * 64, f"acme/greeter@{COMMIT}")


@dataclass
class GitHub:
    has_token: bool = True
    problem: Exception | None = None
    statuses: list[tuple[str, str]] = field(default_factory=list)
    deployments: list[tuple[int, str]] = field(default_factory=list)
    environments: list[tuple[str, bool]] = field(default_factory=list)

    def set_status(self, repository, commit, context, state, said, url) -> None:
        if self.problem:
            raise self.problem
        self.statuses.append((context, state))

    def create_deployment(self, repository, commit, environment, said, is_production) -> int:
        self.environments.append((environment, is_production))
        return 7

    def set_deployment(self, repository, number, state, said, url) -> None:
        self.deployments.append((number, state))


@dataclass
class Hub:
    store: Store
    github: GitHub
    reporter: WriteBack

    def run(self, stage: str) -> None:
        self.store.put(run.key("greeter", COMMIT), {"stage": stage, "at": time.time()})

    def change(self, what: str, decide) -> transitions.Release:
        cause = Cause("ann", "because", 1.0, "e1", BUILD.trace)
        return self.store.change("greeter", what, "canary", cause, decide)


@pytest.fixture
def hub(consul: str) -> Hub:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    made, github = settings(consul), GitHub()
    store = Store(made)
    return Hub(store, github, WriteBack(made, made.project("greeter"), store, github))


def test_each_stage_is_told_once(hub):
    for stage in ("building", "building", "passed"):
        hub.run(stage)
        hub.reporter.tell()

    assert hub.github.statuses == [("cicd/ci", PENDING), ("cicd/ci", SUCCESS)]
    assert not hub.reporter.is_due()


def test_a_deploy_and_its_end_are_told_of_one_deployment(hub):
    hub.reporter.tell()
    known = hub.change("advertise_canary", lambda r: transitions.advertise_canary(r, BUILD, 1.0))
    generation = known.ring("canary").generation
    assert hub.reporter.tell() == {"told": 1, "left": 0, "problem": ""}
    hub.change("confirm", lambda r: transitions.confirm(r, "canary", generation, 2.0))
    hub.reporter.tell()

    assert hub.github.deployments == [(7, PENDING), (7, SUCCESS)]
    assert hub.store.json(KEY, dict)["deployments"] == {"canary": {"commit": COMMIT, "id": 7}}


def test_a_busy_github_is_left_alone_and_told_later(hub):
    hub.run("building")
    hub.github.problem = GitHubBusy("GitHub wants less.", 60)
    assert hub.reporter.tell() == {"told": 0, "left": 1, "problem": "GitHub wants less."}
    hub.github.problem = None
    assert hub.reporter.tell()["told"] == 0
    assert not hub.reporter.is_due()
    hub.store.update(KEY, lambda document: {**document, "not_before": 0})

    assert hub.reporter.tell() == {"told": 1, "left": 0, "problem": ""}


def test_nothing_is_due_while_another_action_tells(hub):
    hub.reporter.tell()
    hub.run("building")
    assert hub.reporter.is_due()
    hub.store.update(KEY, lambda document: {**document, "busy": "other", "busy_until": time.time() + 60})

    assert not hub.reporter.is_due()


def test_what_github_refuses_is_not_told_again(hub):
    hub.run("building")
    hub.github.problem = GitHubError("No such commit.", "")

    assert hub.reporter.tell() == {"told": 1, "left": 0, "problem": "No such commit."}
    assert hub.reporter.tell()["told"] == 0


def test_what_an_earlier_pack_told_is_not_told_again_and_what_it_kept_beside_stays(hub):
    hub.run("passed")
    kept = {"generation": 0, "since": 0, "ci": {COMMIT: "CI passed"}, "deployments": {}, "colour": "red"}
    hub.store.put(KEY, kept)
    assert hub.reporter.tell()["told"] == 0
    hub.run("building")
    hub.reporter.tell()

    assert hub.store.json(KEY, dict)["colour"] == "red"
    assert hub.store.json(KEY, dict)["ci"] == {COMMIT: "CI is queued or running"}


def test_only_one_tells_at_a_time():
    claimed = told.claim(Told(1, NOW), "one", NOW)

    assert claimed
    assert claimed.busy == "one"
    assert told.claim(claimed, "two", NOW + 1) is None
    assert told.claim(claimed, "two", NOW + told.LEASE_SECONDS + 1)


def test_github_is_left_alone_for_longer_the_more_often_it_says_so_up_to_a_limit():
    known, waits = Told(1, NOW), []
    for _ in range(6):
        known = told.back_off(known, 60, "busy", NOW)
        waits.append(known.not_before - NOW)

    assert waits == [60, 120, 240, 480, 900, 900]


def test_the_oldest_words_are_forgotten():
    known = Told(1, NOW, {str(number): "x" for number in range(told.KEPT)})

    after = told.mark(known, Report(COMMIT, "cicd/ci", SUCCESS, "CI passed", "CI passed"))

    assert len(after.ci) == told.KEPT
    assert "0" not in after.ci
    assert after.ci[COMMIT] == "CI passed"


@pytest.mark.parametrize(
    ("why", "said"), [("by itself, from the staging", "canary, by itself"), ("promote the staging", "canary")]
)
def test_a_promotion_that_nobody_asked_for_is_told_as_one(why, said):
    before = transitions.Release("greeter")
    after = transitions.break_glass(before, BUILD, 1.0, "canary")
    entry = record.audit(before, after, "promote", "canary", Cause("ann", why, 1.0, "", BUILD.trace))

    assert [one.said for one in report.of_history([entry], 0)] == [
        f"{BUILD.version} is being deployed to {said}"
    ]


def test_each_ring_is_an_environment_and_the_last_one_is_production_where_none_is_called_so(consul, hub):
    rings = [{"name": "staging", "tag": "s"}, {"name": "live"}]
    made = settings(consul, projects={"greeter": {"repository": "acme/greeter", "rings": rings}})
    store = Store(made)
    reporter = WriteBack(made, made.project("greeter"), store, hub.github)
    reporter.tell()
    for ring in ("staging", "live"):
        cause = Cause("ann", "because", 1.0, "e1", BUILD.trace)
        store.change(
            "greeter",
            "break_glass",
            ring,
            cause,
            lambda r, ring=ring: transitions.break_glass(r, BUILD, 1.0, ring),
        )
    reporter.tell()

    assert hub.github.environments == [("staging", False), ("live", True)]
    assert [context for context, _ in hub.github.statuses] == ["cicd/staging", "cicd/live"]
