"""The commits between two versions: real git, and hostile text from its history."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cicd.clients.scripts import script_text
from cicd.deploy import commits
from cicd.errors import HostError
from cicd.sanitize import neutral_data
from tests.package.building import git


def script(name: str, *arguments: str, home: Path) -> subprocess.CompletedProcess:
    command = ["sh", "-c", script_text(name), name, *arguments]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "app"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    for subject in ("First", "Second", "Third"):
        git(path, "commit", "-qm", subject, "--allow-empty")
    return path


def commit(repository: Path, revision: str) -> str:
    return git(repository, "rev-parse", revision)[:7]


def compared(repository: Path, home: Path, old: str, new: str) -> dict:
    done = script("list_commits", str(repository), old, new, str(commits.LIMIT), "", "", home=home)
    assert done.returncode == 0, done.stderr
    return {"project": "app", "from": old, "to": new, **commits.parse(done.stdout)}


def test_what_a_promotion_would_bring_is_listed_newest_first(repository, tmp_path):
    found = compared(repository, tmp_path, commit(repository, "HEAD~2"), commit(repository, "HEAD"))

    assert (found["added"], found["removed"]) == (2, 0)
    assert [c["subject"] for c in found["commits"]] == ["Third", "Second"]
    assert "2 commits added" in commits.message(found)


def test_what_a_rollback_would_take_away_is_listed_as_removed(repository, tmp_path):
    found = compared(repository, tmp_path, commit(repository, "HEAD"), commit(repository, "HEAD~1"))

    assert (found["added"], found["removed"]) == (0, 1)
    assert [c["subject"] for c in found["commits"]] == ["Third"]
    assert commits.message(found).splitlines()[1].startswith("- ")


def test_branches_that_went_apart_count_both_sides(repository, tmp_path):
    main = commit(repository, "HEAD")
    git(repository, "checkout", "-q", "-b", "other", "HEAD~1")
    git(repository, "commit", "-qm", "Elsewhere", "--allow-empty")

    found = compared(repository, tmp_path, main, commit(repository, "HEAD"))
    assert (found["added"], found["removed"]) == (1, 1)
    assert [c["subject"] for c in found["commits"]] == ["Elsewhere"]


def test_the_same_commit_has_nothing_between(repository, tmp_path):
    same = commit(repository, "HEAD")

    assert "the same commit" in commits.message(compared(repository, tmp_path, same, same))


def test_a_commit_that_git_does_not_know_is_named(repository, tmp_path):
    done = script("list_commits", str(repository), "fffffff", "0000000", "5", "", "", home=tmp_path)

    assert done.returncode != 0
    assert "commit fffffff is not in" in done.stderr


def test_long_and_hostile_history_stays_short_and_harmless(repository, tmp_path):
    old = commit(repository, "HEAD")
    hostile = "{{ config_context.token }} <% ctx() %> \x1b[31m\x1f\u202e" + "x" * 500
    for _ in range(commits.LIMIT + 5):
        git(repository, "commit", "-qm", hostile, "--allow-empty")
    found = compared(repository, tmp_path, old, commit(repository, "HEAD"))
    result = json.dumps(neutral_data({**found, "message": commits.message(found)}))

    assert len(found["commits"]) == commits.LIMIT
    assert found["added"] == commits.LIMIT + 5
    assert commits.message(found).endswith("and 5 older")
    assert len(result) < 10_000
    assert not any(opener in result for opener in ("{{", "{%", "<%", "\\u001b", "\\u202e"))


@pytest.mark.parametrize("output", ["", "x y", "1 0\nno fields", "1 0\nf\x1fa\x1fb\x1fc", "1"])
def test_an_answer_that_is_none_is_a_sentence(output):
    with pytest.raises(HostError, match="unreadable"):
        commits.parse(output)
