"""The push events that the lab's git server sends, held against GitHub's schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from lab.git import event
from lab.git.event import NONE, Update

ROOT = Path(__file__).resolve().parents[2]
NPM = Path(sys.executable).with_name("npm")
PACKAGE = "@octokit/webhooks-schemas@7.6.1"
OCTOKIT = ROOT / "build" / "cache" / "octokit"


@pytest.fixture(scope="session")
def schema() -> dict:
    """GitHub's own schema; fetched once from npm."""
    installed = OCTOKIT / "node_modules" / PACKAGE.rpartition("@")[0] / "schema.json"
    if not installed.exists():
        argv = [str(NPM), "install", "--ignore-scripts", "--silent", "--prefix", str(OCTOKIT), PACKAGE]
        subprocess.run(argv, check=True, timeout=300)
    definitions = json.loads(installed.read_text())["definitions"]
    return {"$ref": "#/definitions/push$event", "definitions": definitions}


def push(work, old: str, new: str, ref: str = "refs/heads/main") -> dict:
    return event.push(work.bare, "acme/greeter", Update(old, new, ref))


def assert_like_github(payload: dict, schema: dict) -> None:
    errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(payload)]
    assert errors == []


def test_the_first_push_of_a_branch_lists_its_commits_oldest_first(work, schema):
    first, second = work.commit({"a": "1"}), work.commit({"b": "2"})
    work.push("main")

    payload = push(work, NONE, second)

    assert_like_github(payload, schema)
    assert [commit["id"] for commit in payload["commits"]] == [first, second]
    assert payload["created"] is True
    assert payload["head_commit"]["id"] == payload["after"] == second


def test_a_second_push_lists_only_what_is_new(work, schema):
    first = work.commit({"a": "1", "b": "1"})
    second = work.commit({"a": "2", "b": None, "c d\n": "3"})
    work.push("main")

    payload = push(work, first, second)

    assert_like_github(payload, schema)
    (commit,) = payload["commits"]
    assert (commit["added"], commit["removed"], commit["modified"]) == (["c d\n"], ["b"], ["a"])
    assert payload["forced"] is False


def test_a_forced_push_says_so(work, schema):
    old = work.commit({"a": "1"})
    work.push("main")
    work.git("commit", "-q", "--amend", "-m", "Say it better")
    new = work.git("rev-parse", "HEAD")
    work.push("main", f"{old}:refs/heads/old")

    payload = push(work, old, new)

    assert_like_github(payload, schema)
    assert payload["forced"] is True


def test_a_deleted_branch_has_no_head(work, schema):
    commit = work.commit({"a": "1"})
    work.push("main")

    payload = push(work, commit, NONE, "refs/heads/gone")

    assert_like_github(payload, schema)
    assert payload["deleted"] is True
    assert payload["head_commit"] is None


def test_an_annotated_tag_names_the_tag_object_and_the_commit(work, schema):
    commit = work.commit({"a": "1"})
    work.git("tag", "-a", "-m", "One", "v1")
    tag = work.git("rev-parse", "v1")
    work.push("main", "v1")

    payload = push(work, NONE, tag, "refs/tags/v1")

    assert_like_github(payload, schema)
    assert payload["after"] == tag
    assert payload["head_commit"]["id"] == commit
    assert payload["commits"] == []


def test_at_most_as_many_commits_are_listed_as_github_lists(work, schema):
    commits = [work.commit({"a": str(number)}) for number in range(event.MAX_COMMITS + 2)]
    work.push("main")

    payload = push(work, commits[0], commits[-1])

    assert_like_github(payload, schema)
    assert len(payload["commits"]) == event.MAX_COMMITS


def test_the_pusher_is_a_login(work):
    work.push(f"{work.commit({'a': '1'})}:refs/heads/main")
    payload = push(work, NONE, work.git("rev-parse", "HEAD"))

    assert payload["pusher"] == {"name": "ann", "email": "ann@lab.invalid"}
    assert payload["sender"]["login"] == "ann"


def test_hostile_text_stays_data(work, schema):
    message = "$(touch /tmp/x) `id` {{ 7 * 7 }} <% ctx() %>\n\nbody\n\nmore"
    commit = work.commit({"a": "1"}, message)
    work.push("main")

    payload = push(work, NONE, commit)

    assert_like_github(payload, schema)
    assert payload["head_commit"]["message"] == message
