"""A push is taken in once for every project of its repository, and what was decided can be read."""

import copy
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml

from cicd import config
from cicd.ci import event_log, inbox, push_handler
from cicd.ci.push import Push
from cicd.ci.queue_store import Turns
from cicd.ci.run import Stage
from cicd.store.store import Store

ROOT = Path(__file__).parents[3]
A, B, C = "a" * 40, "b" * 40, "c" * 40
PUSH = Push("acme/shop", "refs/heads/main", A, "ann", default_branch="main", paths=("api/x.py",))


@pytest.fixture
def settings(consul: str) -> config.Settings:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    shop = {"repository": "acme/shop", "watch_paths": ["shared/"]}
    values["projects"] = {"api": {**shop, "paths": ["api/"]}, "web": {**shop, "paths": ["web/"]}}
    return config.parse({**values, "consul": {"url": consul}})


def take(settings: config.Settings, **changes) -> dict[str, push_handler.Outcome]:
    outcomes = push_handler.take(settings, Store(settings), replace(PUSH, **changes), "github")
    return {outcome.project: outcome for outcome in outcomes}


def end(turns: Turns, commit: str, stage: Stage) -> None:
    """Let the run of *commit*, if it goes on, end as *stage*, and its turn with it."""
    turns.runs.advance(commit, lambda known: replace(known, stage=stage) if known and known.is_open else None)
    turns.end(commit)


@pytest.mark.parametrize(
    ("paths", "started"),
    [
        (("api/x.py",), {"api"}),
        (("web/x.js", "api/y.py"), {"api", "web"}),
        (("shared/z",), {"api", "web"}),
        (("README.md",), set()),
        (None, {"api", "web"}),
    ],
)
def test_of_a_shared_repository_those_projects_are_built_whose_files_changed(settings, paths, started):
    outcomes = take(settings, paths=paths)

    assert set(outcomes) == {"api", "web"}
    assert {name for name, outcome in outcomes.items() if outcome.start} == started


def test_each_decision_is_one_line(settings):
    take(settings)

    lines = event_log.lines(event_log.events(Store(settings), 10)[0]).splitlines()

    assert len(lines) == 2
    assert any(
        "acme/shop main aaaaaaa  ann  api: build: a new commit on main; now accepted" in x for x in lines
    )
    assert any("web: ignore: none of the 1 changed files belongs to web" in x for x in lines)
    assert len(event_log.events(Store(settings), 10, "web")[0]) == 1


@pytest.mark.parametrize(
    ("shown", "more", "said"),
    [(1, 0, ""), (1, 2, "and 2 more (last=3)"), (99, 7, "(last=100)"), (100, 7, "and 7 more")],
)
def test_the_last_line_says_how_many_more_events_there_are(settings, shown, more, said):
    take(settings)
    entries, _ = event_log.events(Store(settings), 1)

    lines = event_log.lines(entries * shown, more).splitlines()

    assert len(lines) == shown + bool(more)
    assert lines[-1].endswith(said)


def test_it_is_known_how_many_events_are_not_shown(settings):
    take(settings)
    take(settings, repository="acme/other")

    assert [event_log.events(Store(settings), last)[1] for last in (1, 2, 3)] == [2, 1, 0]
    assert event_log.events(Store(settings), 1, "web")[1] == 0


def test_a_push_of_nobodys_repository_is_recorded_too(settings):
    (outcome,) = take(settings, repository="acme/other").values()

    assert not outcome.start
    assert "acme/other is not the repository" in event_log.events(Store(settings), 1)[0][0]["reason"]


def test_what_is_not_built_is_seen_all_the_same(settings):
    take(settings, commit=B, skip_ci=True)

    assert Turns(Store(settings), "api").lane().head.commit == B


def test_an_older_push_that_comes_late_is_superseded_by_what_runs(settings):
    take(settings, commit=B, before=A)

    assert "older than bbbbbbb" in take(settings, commit=A)["api"].decision.reason


@pytest.mark.parametrize("stage", ["passed", "failed", "superseded"])
def test_the_same_move_again_builds_an_ended_commit_again_and_its_redelivery_does_not(settings, stage):
    turns = Turns(Store(settings), "api")
    moves = [(B, A, "d1"), (A, B, "d2"), (B, A, "d3")]
    take(settings, commit=A, before=C, delivery="d0")
    for commit, before, delivery in moves:
        for ended in (A, B):
            end(turns, ended, stage)
        assert take(settings, commit=commit, before=before, delivery=delivery)["api"].start
    end(turns, B, stage)

    assert not take(settings, commit=B, before=A, delivery="d1")["api"].start
    assert not take(settings, commit=B, before=A, delivery="d3")["api"].start
    assert turns.lane().head.commit == B


def test_what_comes_after_the_clock_was_set_back_is_the_newest_and_is_kept(settings, monkeypatch):
    monkeypatch.setattr(event_log, "KEPT", 2)
    monkeypatch.setattr(inbox, "KEPT", 2)
    monkeypatch.setattr(event_log, "RUNS_KEPT", 1)
    store, turns = Store(settings), Turns(Store(settings), "api")
    commits, identifiers = [f"{number:040x}" for number in range(4)], []
    for number, commit in enumerate(commits):
        now = 4e9 - number * 10**6
        monkeypatch.setattr(time, "time", lambda now=now: now)
        identifiers.append(inbox.put(store, {"after": commit}))
        take(settings, commit=commit, before=commits[number - 1] if number else "")
        end(turns, commit, "passed")

    assert inbox.get(store, identifiers[-1]) == {"after": commits[-1]}
    assert identifiers == sorted(identifiers)
    assert [e["commit"] for e in event_log.events(store, 5)[0]] == [commits[-1], commits[-1]]
    assert set(Turns(store, "api").runs.every()) == {commits[-2], commits[-1]}


def test_only_the_newest_events_and_runs_are_kept(settings, monkeypatch):
    monkeypatch.setattr(event_log, "KEPT", 6)
    monkeypatch.setattr(event_log, "RUNS_KEPT", 2)
    store, before = Store(settings), ""
    for number in range(6):
        commit = f"{number:040x}"
        take(settings, commit=commit, before=before)
        turns, before = Turns(store, "api"), commit
        end(turns, commit, "passed")

    assert len(store.keys(event_log.PREFIX)) == 6
    assert len(Turns(store, "api").runs.every()) == 3
    assert f"{5:040x}" in Turns(store, "api").runs.every()
