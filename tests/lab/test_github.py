"""What GitHub is told, and what it did not tell: its API's stand-in, bare repositories, a real Consul."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd import config
from cicd.ci import event_log, github_push, missed_pushes, push_handler
from cicd.clients.github import LONGEST_WAIT_SECONDS, GitHub, GitHubBusy
from cicd.errors import GitHubError
from cicd.release import transitions
from cicd.release.record import Build, Cause
from cicd.reports.github_reporter import WriteBack, due
from cicd.store.store import Store
from lab.git.event import Update, push
from lab.git.webhook import NAME, SECRET_FILE, URL, Webhook
from lab.github.server import Settings, server
from tests.lib.consul_settings import changed

CAUSE = Cause("ann", "deploy", 1.0, "e1")
HOOK = "http://gateway.lab/github"


@dataclass
class Hub:
    """GitHub's stand-in over one repository, and the pack that speaks to it."""

    url: str
    settings: config.Settings
    work: Any

    @property
    def store(self) -> Store:
        return Store(self.settings)

    @property
    def github(self) -> GitHub:
        return GitHub(self.settings)

    @property
    def write_back(self) -> WriteBack:
        return WriteBack(self.settings, self.settings.project("greeter"), self.store, self.github)

    def commit(self) -> str:
        made = self.work.commit({"file": str(time.monotonic_ns())}, message="Change {{ it }}")
        self.work.push("main")
        return made

    def ask(self, path: str) -> Any:
        headers = {"Authorization": "Bearer api-token"}
        return requests.get(f"{self.url}/repos/acme/greeter/{path}", headers=headers, timeout=10).json()

    def trouble(self, status: int, times: int, seconds: int = 1) -> None:
        body = {"status": status, "times": times, "seconds": seconds}
        headers = {"Authorization": "Bearer api-token"}
        assert requests.post(f"{self.url}/lab/trouble", json=body, headers=headers, timeout=10).ok

    def statuses(self, commit: str) -> list[tuple[str, str]]:
        """Return context and state of all statuses of *commit*, oldest first."""
        return [(s["context"], s["state"]) for s in self.ask(f"commits/{commit}/statuses")][::-1]

    def run(self, commit: str, stage: str, **more: Any) -> None:
        self.store.put(f"cicd/greeter/runs/{commit}", {"stage": stage, "at": time.time(), **more})

    def change(self, what: str, ring: str, decide) -> transitions.Release:
        return self.store.change("greeter", what, ring, CAUSE, decide)

    def advertise(self, commit: str, version: str) -> int:
        build = Build(version, "greeter", commit, "0" * 64, f"acme/greeter@{commit}")
        what = ("advertise_canary", "canary", lambda r: transitions.advertise_canary(r, build, 1.0))
        return self.change(*what).ring("canary").generation

    def hurry(self) -> None:
        """Let the time that GitHub wants to be left alone be over."""
        self.store.update("cicd/greeter/github", lambda told: {**told, "not_before": 0})


@pytest.fixture
def hub(tmp_path: Path, work, consul: str) -> Iterator[Hub]:
    (tmp_path / "token").write_text("api-token\n")
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "greeter.git").symlink_to(work.bare)
    record = str(tmp_path / "github.json")
    http = server(Settings("127.0.0.1", 0, str(tmp_path / "token"), str(tmp_path), record))
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    url = f"http://127.0.0.1:{http.server_port}"
    settings = config.parse(
        {
            "consul": {"url": consul},
            "jenkins": {"url": "http://jenkins.lab", "token_file": str(tmp_path / "token")},
            "github": {
                "api_url": url,
                "token_file": str(tmp_path / "token"),
                "hook_url": HOOK,
                "details_url": "https://st2.lab/#/history/{execution}",
            },
            "source": {"clone_url": str(work.bare)},
            "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
            "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
            "projects": {"greeter": {"repository": "acme/greeter"}},
        }
    )
    yield Hub(url, settings, work)
    http.shutdown()
    http.server_close()
    thread.join()


def without_token(hub: Hub) -> Hub:
    hub.settings = changed(hub.settings, "github", token_file="")
    return hub


def test_a_commit_is_told_from_pending_to_success_with_links(hub):
    commit = hub.commit()
    hub.write_back.tell()
    hub.run(commit, "building")
    hub.write_back.tell()
    hub.run(commit, "passed", build=7)
    generation = hub.advertise(commit, "1.0-1.abc1234")
    hub.write_back.tell()
    hub.change("confirm", "canary", lambda r: transitions.confirm(r, "canary", generation, 2.0))
    promoted = hub.change("promote", "production", lambda r: transitions.promote(r, 1e9, 0))
    generation = promoted.ring("production").generation
    hub.change("confirm", "production", lambda r: transitions.confirm(r, "production", generation, 3.0))
    hub.write_back.tell()

    assert hub.statuses(commit) == [
        ("cicd/ci", "pending"),
        ("cicd/ci", "success"),
        ("cicd/canary", "pending"),
        ("cicd/canary", "success"),
        ("cicd/production", "pending"),
        ("cicd/production", "success"),
    ]
    links = [status["target_url"] for status in hub.ask(f"commits/{commit}/statuses")]
    assert links[-2] == "http://jenkins.lab/job/greeter/7/"
    assert links[0] == "https://st2.lab/#/history/e1"


def test_each_deploy_is_a_deployment_with_states(hub):
    commit = hub.commit()
    hub.write_back.tell()
    generation = hub.advertise(commit, "1.0-1.abc1234")
    hub.change("confirm", "canary", lambda r: transitions.confirm(r, "canary", generation, 2.0))
    hub.write_back.tell()

    (deployment,) = hub.ask("deployments")
    assert (deployment["sha"], deployment["environment"]) == (commit, "canary")
    states = [status["state"] for status in hub.ask(f"deployments/{deployment['id']}/statuses")]
    assert states == ["success", "in_progress"]


def test_a_canary_that_failed_is_told_as_failure_of_its_own_commit(hub):
    good, bad = hub.commit(), hub.commit()
    hub.write_back.tell()
    generation = hub.advertise(good, "1.0-1.abc1234")
    hub.change("confirm", "canary", lambda r: transitions.confirm(r, "canary", generation, 2.0))
    failing = hub.advertise(bad, "1.0-2.def1234")
    hub.change("restore", "canary", lambda r: transitions.restore(r, "canary", failing, 3.0))
    hub.write_back.tell()

    assert hub.statuses(bad) == [("cicd/canary", "pending"), ("cicd/canary", "failure")]
    assert hub.statuses(good) == [("cicd/canary", "pending"), ("cicd/canary", "success")]
    newest = hub.ask("deployments")[0]
    assert hub.ask(f"deployments/{newest['id']}/statuses")[0]["state"] == "failure"


@pytest.mark.parametrize(
    ("stage", "more", "state", "said"),
    [
        ("waiting", {}, "pending", "waits"),
        ("failed", {"status": "FAILURE"}, "failure", "FAILURE"),
        ("failed", {"status": "UNSTABLE"}, "failure", "UNSTABLE"),
        ("failed", {"status": "ABORTED"}, "error", "ABORTED"),
        ("failed", {"status": "LOST"}, "error", "LOST"),
        ("superseded", {"by": "f" * 40}, "error", "superseded by fffffff"),
    ],
)
def test_every_end_of_ci_has_a_state(hub, stage, more, state, said):
    commit = hub.commit()
    hub.run(commit, stage, **more)
    hub.write_back.tell()

    (status,) = hub.ask(f"commits/{commit}/statuses")
    assert status["state"] == state
    assert said in status["description"]


def test_the_same_is_told_once_however_often_it_is_asked_for(hub):
    commit = hub.commit()
    hub.run(commit, "building")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: hub.write_back.tell(), range(8)))
    hub.write_back.tell()

    assert sum(one["told"] for one in done) == 1
    assert hub.statuses(commit) == [("cicd/ci", "pending")]


@pytest.mark.parametrize("status", [500, 502, 503, 403, 429])
def test_a_github_in_trouble_is_told_later_and_fails_nothing(hub, status):
    commit = hub.commit()
    hub.run(commit, "building")
    hub.trouble(status, times=2)

    first = hub.write_back.tell()

    assert (first["told"], first["left"]) == (0, 1)
    assert f"{status}" in first["problem"]
    assert list(due(hub.settings, hub.store, hub.github)) == []
    assert hub.write_back.tell()["told"] == 0
    hub.hurry()
    assert hub.write_back.tell()["told"] == 0
    hub.hurry()
    assert [e.payload for e in due(hub.settings, hub.store, hub.github)] == [{"project": "greeter"}]
    assert hub.write_back.tell() == {"told": 1, "left": 0, "problem": ""}
    assert hub.statuses(commit) == [("cicd/ci", "pending")]


def test_a_rate_limit_says_for_how_long(hub):
    hub.trouble(403, times=1, seconds=1000)

    with pytest.raises(GitHubBusy) as error:
        hub.github.repository("acme/greeter")
    assert 900 < error.value.seconds <= 1000


def test_a_rate_limit_by_two_clocks_that_differ_is_not_waited_for_longer_than_an_hour(hub):
    hub.trouble(403, times=1, seconds=86400)

    with pytest.raises(GitHubBusy) as error:
        hub.github.repository("acme/greeter")
    assert error.value.seconds == LONGEST_WAIT_SECONDS


@pytest.mark.parametrize("until", ["not_before", "busy_until"])
def test_a_wait_that_a_clock_began_which_was_set_back_since_is_over(hub, until):
    hub.run(hub.commit(), "building")
    hub.store.put("cicd/greeter/github", {"generation": 0, "since": 0, "ci": {}, "deployments": {}})
    hub.store.update("cicd/greeter/github", lambda told: {**told, until: time.time() + 60})
    assert hub.write_back.tell()["told"] == 0
    hub.store.update("cicd/greeter/github", lambda told: {**told, until: time.time() + 7200})

    assert hub.write_back.tell()["told"] == 1


def test_a_github_that_is_away_is_told_later(hub):
    hub.settings = changed(hub.settings, "github", api_url="http://127.0.0.1:9")
    hub.run(hub.commit(), "building")

    assert "does not answer" in hub.write_back.tell()["problem"]


def test_what_github_refuses_does_not_hold_up_the_rest(hub):
    unknown, known = "f" * 40, hub.commit()
    hub.run(unknown, "building")
    hub.run(known, "building")

    assert hub.write_back.tell()["told"] == 2
    assert hub.statuses(known) == [("cicd/ci", "pending")]


def test_without_a_token_nothing_is_told(hub):
    hub.run(hub.commit(), "building")

    assert without_token(hub).write_back.tell()["told"] == 0
    assert list(due(hub.settings, hub.store, hub.github)) == []


def look(hub: Hub, watcher: missed_pushes.Missed) -> list[dict[str, Any]]:
    return [one.payload for one in watcher.find(hub.settings, hub.store, hub.github)]


@pytest.mark.parametrize("token", [True, False], ids=["API", "ls-remote"])
def test_a_push_that_nobody_told_is_put_in_once_it_stays(hub, token, monkeypatch):
    monkeypatch.setattr(missed_pushes, "PATIENCE_SECONDS", 0)
    found, watcher = hub if token else without_token(hub), missed_pushes.Missed()
    before = hub.commit()
    assert look(found, watcher) == []
    assert "first looked at" in event_log.events(hub.store, 1)[0][0]["reason"]
    commit = hub.commit()
    assert look(found, watcher) == []

    (told,) = look(found, watcher)

    pushed = github_push.parse(told)
    assert (pushed.commit, pushed.before, pushed.branch) == (commit, before, "main")
    assert pushed.paths == (("file",) if token else None)
    assert [o.start for o in push_handler.take(hub.settings, hub.store, pushed, "missed")] == [True]
    assert look(found, watcher) == look(found, watcher) == []


def test_a_missed_push_still_says_skip_ci(hub, monkeypatch):
    monkeypatch.setattr(missed_pushes, "PATIENCE_SECONDS", 0)
    watcher = missed_pushes.Missed()
    hub.commit()
    look(hub, watcher)
    hub.work.commit({"file": "x"}, message="Fix [skip ci]")
    hub.work.push("main")
    look(hub, watcher)

    (told,) = look(hub, watcher)

    assert github_push.parse(told).skip_ci
    assert "Fix" not in str(told)


def test_a_missed_force_push_is_known_as_one(hub, monkeypatch):
    monkeypatch.setattr(missed_pushes, "PATIENCE_SECONDS", 0)
    watcher = missed_pushes.Missed()
    hub.commit()
    hub.commit()
    look(hub, watcher)
    hub.work.git("reset", "-q", "--hard", "HEAD~1")
    hub.commit()
    look(hub, watcher)

    (told,) = look(hub, watcher)

    assert github_push.parse(told).forced


def test_a_branch_that_went_back_unheard_is_missed_as_well(hub, monkeypatch):
    monkeypatch.setattr(missed_pushes, "PATIENCE_SECONDS", 0)
    watcher = missed_pushes.Missed()
    first = hub.commit()
    look(hub, watcher)
    hub.commit()
    look(hub, watcher)
    (there,) = look(hub, watcher)
    push_handler.take(hub.settings, hub.store, github_push.parse(there), "missed")
    hub.work.git("reset", "-q", "--hard", "HEAD~1")
    hub.work.push("main")
    look(hub, watcher)

    (back,) = look(hub, watcher)

    pushed = github_push.parse(back)
    assert (pushed.commit, pushed.before, pushed.forced) == (first, there["after"], True)
    push_handler.take(hub.settings, hub.store, pushed, "missed")
    assert look(hub, watcher) == look(hub, watcher) == []


def test_a_push_that_was_told_is_not_missed(hub):
    watcher = missed_pushes.Missed()
    hub.commit()
    look(hub, watcher)
    commit = hub.commit()
    pushed = github_push.parse(
        github_push.reduce(push(hub.work.bare, "acme/greeter", Update("0" * 40, commit, "refs/heads/main")))
    )
    push_handler.take(hub.settings, hub.store, pushed, "github")

    assert look(hub, watcher) == look(hub, watcher) == []


def test_a_repository_that_cannot_be_read_is_said(hub):
    hub.settings = changed(hub.settings, "source", clone_url="/nonexistent")

    with pytest.raises(GitHubError, match="ls-remote"):
        look(without_token(hub), missed_pushes.Missed())


def test_a_delivery_that_failed_is_asked_for_again_until_it_arrives(hub, receiver, monkeypatch):
    monkeypatch.setattr(missed_pushes, "PATIENCE_SECONDS", -1)
    hub.settings = changed(hub.settings, "github", hook_url=f"{receiver.url}/github")
    hub.work.commit({"file": "x"})
    hub.work.push("main")
    for key, value in ((URL, f"{receiver.url}/github"), (NAME, "acme/greeter")):
        hub.work.git("-C", str(hub.work.bare), "config", key, value)
    (hub.work.bare / SECRET_FILE).write_text("s")
    receiver.status = 500
    Webhook(hub.work.bare).send("push", {"ref": "refs/heads/main"})

    assert missed_pushes.redeliver(hub.settings, hub.github) == 1
    receiver.status = 202
    assert missed_pushes.redeliver(hub.settings, hub.github) == 1
    assert missed_pushes.redeliver(hub.settings, hub.github) == 0
    assert len(receiver.requests) == 3


def test_a_delivery_is_not_asked_for_for_ever():
    attempt = {"event": "push", "guid": "g", "status_code": 500, "delivered_at": "2026-11-24T12:00:00Z"}
    now = github_push.seconds("2026-11-24T12:05:00Z")

    assert missed_pushes.failed([{**attempt, "id": 2}, {**attempt, "id": 1}], now) == [2]
    assert (
        missed_pushes.failed([{**attempt, "id": n} for n in range(missed_pushes.ATTEMPTS_LIMIT)], now) == []
    )
    assert missed_pushes.failed([{**attempt, "id": 1}], now + 4 * 24 * 3600) == []
    assert missed_pushes.failed([{**attempt, "id": 1, "event": "ping"}], now) == []
    assert missed_pushes.failed([{**attempt, "id": 2}, {**attempt, "id": 1, "status_code": 200}], now) == []


def test_only_the_token_is_let_in(hub):
    assert requests.get(f"{hub.url}/repos/acme/greeter", timeout=10).status_code == 401
    with pytest.raises(GitHubError, match="404"):
        hub.github.repository("acme/nosuch")


@pytest.mark.parametrize("body", [{"state": "broken"}, {"state": "success", "description": "x" * 141}, {}])
def test_the_stand_in_refuses_what_github_refuses(hub, body):
    commit = hub.commit()
    url = f"{hub.url}/repos/acme/greeter/statuses/{commit}"
    answer = requests.post(url, json=body, headers={"Authorization": "token api-token"}, timeout=10)

    assert answer.status_code == 422
