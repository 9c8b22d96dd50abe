"""Every event that GitHub documents, by octokit's examples of them: only real pushes start a build."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from cicd.ci import github_push
from cicd.ci.push import decide
from cicd.config import Project
from gateway import reduce
from tests.gateway.wire import deliver, eventually

NPM = Path(sys.executable).with_name("npm")
PACKAGE = "@octokit/webhooks-examples@7.6.1"
FOLDER = Path(__file__).parents[2] / "build" / "webhooks-examples"
PROJECT = Project("hello", "Codertocat/Hello-World", branch="master")


@pytest.fixture(scope="module")
def shapes() -> dict[str, list[dict]]:
    """The examples by the name of their event; fetched once from npm."""
    index = FOLDER / "node_modules" / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    if not index.exists():
        install = [str(NPM), "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", str(FOLDER)]
        subprocess.run([*install, PACKAGE], check=True, timeout=300)
    return {shape["name"]: shape["examples"] for shape in json.loads(index.read_text())}


def test_of_all_events_only_pushes_and_runs_go_on_and_each_ends_with_one_decision(
    gateway, stackstorm, shapes
):
    every = [(name, body) for name, bodies in shapes.items() for body in bodies]
    sent = {f"d{number}": one for number, one in enumerate(every)}
    codes = {
        deliver(gateway, json.dumps(body).encode(), d, name).status_code for d, (name, body) in sent.items()
    }
    ended = [body for body in shapes["workflow_run"] if body["action"] == "completed"]
    eventually(lambda: len(stackstorm.got) == len(shapes["push"]) + len(ended))

    assert len(shapes) >= 25
    assert codes == {200, 202}
    assert [line["delivery"] for line in gateway.audit] == list(sent)
    decided = {name: set() for name in shapes}
    for line in gateway.audit:
        decided[sent[line["delivery"]][0]].add(line["decision"])
    assert decided.pop("push") == {"accepted"}
    assert decided.pop("ping") == {"answered"}
    assert decided.pop("workflow_run") == {"accepted", "ignored"}
    assert {decision for decisions in decided.values() for decision in decisions} == {"ignored"}
    pushes = [body for _, _, body in stackstorm.got if "ref" in body]
    builds = {body["ref"] for body in pushes if decide(PROJECT, github_push.parse(body)).build}
    assert builds == {"refs/heads/master"}


ZERO = "0" * 40
REAL = [
    {},
    {"created": False, "before": "b" * 40},
    {"forced": True},
    {"base_ref": "refs/heads/other"},
    {"compare": "https://elsewhere.example.com/"},
    {"head_commit.message": "[skip deploy]"},
    {"head_commit.message": "{{ 7 * 7 }} <% ctx() %> $(touch /tmp/x) \x1b[31m \u202e" + "x" * 100_000},
    {"head_commit.timestamp": "yesterday"},
    {"pusher.name": "<% x %>"},
    {"pusher": None},
    {"sender": None},
    {"commits": []},
    {"repository.default_branch": "trunk"},
    {"repository.description": "{{ x }}"},
    {"unknown": {"deep": [1, 2, {"x": None}]}},
]
OTHERS = [
    ({"ref": "refs/heads/feature/x"}, "not the branch"),
    ({"ref": "refs/heads/Master"}, "not the branch"),
    ({"ref": "refs/heads/master2"}, "not the branch"),
    ({"ref": "refs/tags/master"}, "tag"),
    ({"deleted": True, "after": ZERO}, "deleted"),
    ({"after": ZERO}, "deleted"),
    ({"repository.archived": True}, "archived"),
    ({"repository.fork": True}, "fork"),
    ({"head_commit.message": "Typo [skip ci]"}, "skip ci"),
    ({"head_commit.message": "Typo [CI SKIP]"}, "skip ci"),
    ({"ref": "refs/pull/1/merge"}, ""),
    ({"ref": "refs/heads/{{ x }}"}, ""),
    ({"ref": "refs/heads/a..b"}, ""),
    ({"ref": None}, ""),
    ({"after": "HEAD"}, ""),
    ({"after": None}, ""),
    ({"repository": None}, ""),
    ({"repository.full_name": "../.."}, ""),
]


def changed(shapes, changes: dict) -> dict:
    push = next(deepcopy(body) for body in shapes["push"] if body["ref"] == "refs/heads/master")
    for path, value in changes.items():
        *parents, key = path.split(".")
        inner = push
        for parent in parents:
            inner = inner[parent]
        inner[key] = value
    return push


@pytest.mark.parametrize("changes", REAL, ids=str)
def test_a_real_push_to_the_deployed_branch_is_built(shapes, changes):
    reduced = reduce.push(changed(shapes, changes))
    push = github_push.parse(reduced.body)

    assert not reduced.ignored
    assert decide(PROJECT, push).build
    assert push.skip_deploy is reduced.body["cicd"]["skip_deploy"]


@pytest.mark.parametrize(("changes", "reason"), OTHERS, ids=str)
def test_any_other_push_is_not_built_and_the_reason_is_told(shapes, changes, reason):
    reduced = reduce.push(changed(shapes, changes))

    if not reason:
        assert "cannot be used" in reduced.ignored
        return
    decision = decide(PROJECT, github_push.parse(reduced.body))
    assert not decision.build
    assert reason in decision.reason


@pytest.mark.parametrize("changes", [*REAL, *(c for c, reason in OTHERS if reason)], ids=str)
def test_without_the_gateway_a_push_means_the_same(shapes, changes):
    raw = changed(shapes, changes)

    assert github_push.parse(reduce.push(raw).body) == github_push.parse(github_push.reduce(raw))
