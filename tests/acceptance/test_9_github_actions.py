"""A project whose CI is GitHub Actions goes from a push to its canary, beside one that Jenkins builds."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.announcer import VERSION, announcer

NAME = f"actions{int(time.time()) % 100_000}"


def push(clone: Path) -> str:
    """Push what is committed in *clone* and return its trace."""
    subprocess.run(["git", "push", "-q"], cwd=clone, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True)
    return f"acme/{NAME}@{done.stdout.strip()}"


@pytest.fixture(scope="module")
def clone(world, lab, tmp_path_factory) -> Path:
    folder = announcer(tmp_path_factory.mktemp("actions") / NAME, NAME)
    assert lab("project", "add", "--ci", "github_actions", str(folder)).returncode == 0
    return Path(world.description["root"]) / "clones" / NAME


def test_a_push_is_built_by_github_actions_and_reaches_its_canary(world, teller, stackstorm, clone):
    trace = push(clone)
    ended = teller.follow(trace, "cicd.ci_success")
    run = json.loads(world.key(f"cicd/{NAME}/runs/{trace.partition('@')[2]}"))
    told = stackstorm.run("cicd.list_events", project=NAME)["result"]["result"]

    assert ended["status"] == "succeeded", ended["result"]
    assert world.key(f"{NAME}::canary_version").startswith(f"{VERSION}-")
    assert run["build"] > 10**10
    assert "a new commit on main; now packaged as" in told["message"]


def test_a_commit_that_fails_there_stops_with_the_reason_in_its_log(world, teller, clone):
    version = world.key(f"{NAME}::canary_version")
    (clone / "script" / "cibuild").write_text("#!/bin/sh\necho 'the sum is wrong' >&2\nexit 3\n")
    subprocess.run(["git", "commit", "-qam", "Break the sum"], cwd=clone, check=True)
    ended = teller.follow(push(clone), "cicd.ci_failure")
    output = ended["result"]["output"]

    assert output["status"] == "FAILURE"
    assert "the sum is wrong" in output["console"]
    assert "exit code 3" in output["console"]
    assert world.key(f"{NAME}::canary_version") == version
