"""Who asked is never a parameter: whoever put a commit there may not approve it, whatever name was given."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.ci import authors
from cicd.store.store import Store
from tests.conformance.local import USER
from tests.conformance.rest import Rest
from tests.fuzz.conftest import UNBAKED, seed
from tests.gateway.wire import eventually
from tests.lib.consul_settings import settings

APPROVAL = {"project": "greeter", "version": UNBAKED.version}
PUSH = {
    "ref": "refs/heads/main",
    "after": UNBAKED.commit,
    "repository": {"full_name": "acme/greeter"},
    "pusher": {"name": "bob"},
}


@pytest.fixture(autouse=True)
def seeded(engine: Rest, consul: str) -> None:
    seed(consul)


def known(consul: str) -> tuple[str, ...]:
    return authors.of(Store(settings(consul)), "greeter", UNBAKED.commit)


def refusal(engine: Rest) -> str:
    ended = engine.run("cicd.approve", APPROVAL)
    return "" if ended["status"] == "succeeded" else ended["result"]["result"]["error"]


def posted(engine: Rest, event: dict[str, Any]) -> None:
    before = pushes(engine)
    answer = engine.ask("POST", "/webhooks/cicd/github", event, headers={"X-GitHub-Event": "push"})
    assert answer.status_code == 202
    ended(engine, before)


def ended(engine: Rest, before: set[str]) -> None:
    """Wait for the end of the git_push that is not among those *before*."""
    eventually(lambda: pushes(engine) - before, 60, pause=0.1)
    for identifier in pushes(engine) - before:
        engine.wait(identifier)


def pushes(engine: Rest) -> set[str]:
    return {one["id"] for one in engine.get("/executions/?action=cicd.git_push&limit=50")}


def test_somebody_else_may_approve(engine, consul):
    assert refusal(engine) == ""


def test_who_asks_for_a_build_in_the_name_of_somebody_else_is_an_author_all_the_same(engine, consul):
    engine.run("cicd.git_push", {"project": "greeter", "commit": UNBAKED.commit, "user": "bob"})

    assert known(consul) == ("bob", USER)
    assert f"{USER} wrote this version" in refusal(engine)


def test_who_makes_up_the_push_of_somebody_else_is_an_author_all_the_same(engine, consul):
    before = pushes(engine)
    engine.run("cicd.reduce_push", {"event": {**PUSH, "sender": {"login": "carol"}}})
    ended(engine, before)

    assert known(consul) == ("bob", "carol", USER)
    assert f"{USER} wrote this version" in refusal(engine)


def test_a_push_that_came_adds_who_pushed_and_who_wrote_and_not_the_rule_that_brought_it(engine, consul):
    posted(engine, PUSH)
    assert known(consul) == ("bob",)
    assert refusal(engine) == ""

    head = {"author": {"username": USER}, "committer": {"username": "web-flow"}}
    posted(engine, {**PUSH, "head_commit": head})
    assert known(consul) == ("bob", USER, "web-flow")
    assert f"{USER} wrote this version" in refusal(engine)


@pytest.mark.parametrize(("accounts", "who"), [([], USER), (["bot"], USER), ([USER], "@carol")])
def test_a_name_that_is_given_with_a_chat_command_counts_from_a_bot_that_is_configured(
    engine, consul, accounts, who
):
    values = engine.get("/configs/cicd")["values"]
    changed = engine.ask("PUT", "/configs/cicd", {**values, "chat_accounts": accounts})
    assert changed.status_code == 200, changed.text
    words = f"approve greeter {UNBAKED.version}"
    said = {"command": words, "user": "@carol", "source_channel": "x"}
    answer = engine.ask("POST", "/aliasexecution/match_and_execute", said)
    ended = engine.wait(answer.json()["results"][0]["execution"]["id"])

    assert f"is approved by {who} " in ended["result"]["result"]["message"]
