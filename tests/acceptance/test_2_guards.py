"""What must not happen, after the stories of test_1."""

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest
import requests

from demo.stories import PROJECT, REPOSITORY
from demo.world import wait_for


def executions_of(stackstorm, action: str) -> int:
    return len(stackstorm.client.executions.query(action=action, limit=1000))


def git(teller, *arguments: str) -> str:
    return teller._git(*arguments)


def push_event(commit: str, ref: str = "refs/heads/main") -> bytes:
    return json.dumps(
        {
            "ref": ref,
            "before": "0" * 40,
            "after": commit,
            "created": False,
            "deleted": False,
            "forced": False,
            "compare": f"https://github.com/{REPOSITORY}/compare/a...b",
            "repository": {"name": PROJECT, "full_name": REPOSITORY, "default_branch": "main"},
            "pusher": {"name": "ann"},
        }
    ).encode()


def deliver(world, body: bytes, signature: str | None = None, delivery: str = "1") -> requests.Response:
    gateway = world.description["gateway"]
    secret = Path(gateway["github_secret_file"]).read_text().strip().encode()
    right = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": right if signature is None else signature,
        "Content-Type": "application/json",
    }
    return requests.post(f"{gateway['url']}/github", data=body, headers=headers, timeout=10)


def test_a_push_with_a_wrong_signature_starts_nothing(world, stackstorm):
    before = executions_of(stackstorm, "cicd.git_push")
    answer = deliver(world, push_event("a" * 40), signature="sha256=" + "0" * 64, delivery="wrong")

    assert answer.status_code in (401, 403)
    time.sleep(1)
    assert executions_of(stackstorm, "cicd.git_push") == before


def test_defect_10_a_redelivered_push_builds_nothing_twice(world, stackstorm, teller):
    commit = git(teller, "rev-parse", "HEAD")
    builds = executions_of(stackstorm, "cicd.start_build")
    for number in range(5):
        assert deliver(world, push_event(commit), delivery=f"again-{number}").ok
    time.sleep(3)

    assert executions_of(stackstorm, "cicd.start_build") == builds


def test_defect_8_a_tag_and_another_branch_start_no_build(stackstorm, teller):
    builds = executions_of(stackstorm, "cicd.start_build")
    pushes = executions_of(stackstorm, "cicd.git_push")
    git(teller, "push", "-q", "origin", "HEAD:refs/heads/feature/x", "HEAD:refs/tags/v9")
    wait_for("the decision", lambda: executions_of(stackstorm, "cicd.git_push") > pushes)
    git(teller, "push", "-q", "origin", ":refs/heads/feature/x")
    time.sleep(3)

    assert executions_of(stackstorm, "cicd.start_build") == builds


def test_defect_7_a_hostile_branch_is_neither_run_nor_evaluated(stackstorm, teller):
    builds = executions_of(stackstorm, "cicd.start_build")
    git(teller, "push", "-q", "origin", "HEAD:refs/heads/a;touch${IFS}/tmp/owned-by-a-branch")
    git(teller, "push", "-q", "origin", "HEAD:refs/heads/{{config_context.jenkins}}")
    time.sleep(3)

    assert not Path("/tmp/owned-by-a-branch").exists()
    assert executions_of(stackstorm, "cicd.start_build") == builds


@pytest.mark.parametrize("ref", ["main", "HEAD", "A" * 40, "a" * 39, "{{ 7 * 7 }}", "<% ctx() %>"])
def test_what_is_no_commit_is_refused_before_anything_runs(stackstorm, ref):
    with pytest.raises(Exception, match=r"400|does not match|pattern"):
        stackstorm.run("cicd.publish_apt_package", project=PROJECT, commit=ref)


@pytest.mark.parametrize("extra", [{"version": "9.9"}, {"ring": "canary"}, {"production": True}])
def test_defect_4_deploy_production_takes_nothing_but_the_project(stackstorm, extra):
    with pytest.raises(Exception, match=r"400|unexpected|unknown|Additional|not valid"):
        stackstorm.run("cicd.deploy_production", project=PROJECT, **extra)


def test_a_version_that_was_never_published_is_refused_and_nothing_changes(world, stackstorm):
    before = world.key(f"{PROJECT}::canary_version")
    ended = stackstorm.run("cicd.deploy", project=PROJECT, version="9.9.9-99.abcdef0")

    assert ended["status"] == "failed"
    assert "is not in the repository" in ended["result"]["output"]["error"]["error"]
    assert world.key(f"{PROJECT}::canary_version") == before


def test_an_unknown_project_is_refused_by_name(stackstorm):
    ended = stackstorm.run("cicd.deploy_production", project="nosuch")

    assert ended["status"] == "failed"
    assert "nosuch is not configured" in ended["result"]["output"]["error"]["error"]
