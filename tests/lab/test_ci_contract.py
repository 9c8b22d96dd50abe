"""What the pack asks of each CI server that a project may have: stand-ins that build, and a real Consul."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.ci import build_reconciler
from cicd.ci.run import ACCEPTED, BUILDING, FAILED, PASSED, STARTING
from cicd.errors import CiAway, CiError, CiMissing, CiSilent
from tests.lab.ci_drivers import Driver, GitHubDriver, JenkinsDriver, running


@pytest.fixture(params=[JenkinsDriver, GitHubDriver], ids=["jenkins", "github_actions"])
def ci(request, tmp_path: Path, work, consul: str, wait_for, monkeypatch) -> Iterator[Driver]:
    monkeypatch.setattr(build_reconciler, "CALLBACK_SECONDS", 0)
    with running(request.param, tmp_path, work, consul, wait_for) as made:
        yield made


def test_exactly_the_commit_that_was_asked_for_is_built_and_claimed_once(ci):
    commit = ci.started("git rev-parse HEAD")
    result = ci.ended(commit)
    said = ci.server.console_tail(ci.project, result.number)
    claims = [ci.builds.passed(commit, result.number, by)["proceed"] for by in ("e1", "e2")]

    assert (result.status, result.commit) == ("SUCCESS", commit)
    assert commit in said
    assert claims == [True, False]
    assert (ci.run(commit).stage, ci.run(commit).build) == (PASSED, result.number)
    assert str(result.number) in ci.server.page(ci.project, result.number)


def test_a_build_that_failed_is_told_of_by_the_poll_and_says_why_at_its_end(ci):
    commit = ci.started("echo '{{ 7 * 7 }} is broken' >&2; exit 3")
    ci.ended(commit)
    told = ci.poll()
    seen, _ = ci.builds.failed(commit)
    said = ci.server.console_tail(ci.project, seen.number)

    assert told == [build_reconciler.FINISHED]
    assert (seen.status, ci.run(commit).stage) == ("FAILURE", FAILED)
    assert "is broken" in said
    assert "{{" not in said
    assert re.search(r"(ended with|exit code) 3", said)


def test_what_a_build_archived_has_one_path_and_its_digest_whichever_server_built_it(ci):
    commit = ci.started("mkdir dist; printf made >dist/app.jar; printf x >dist/other")
    result = ci.ended(commit)
    ci.builds.passed(commit, result.number, "e1")
    got: list[bytes] = []
    size = ci.server.download(ci.project, result.number, "dist/app.jar", got.append, 100)
    cut = ci.server.download(ci.project, result.number, "dist/app.jar", got.append, 2)

    assert ci.run(commit).artifacts["dist/app.jar"] == hashlib.sha256(b"made").hexdigest()
    assert sorted(ci.run(commit).artifacts) == ["dist/app.jar", "dist/other"]
    assert (size, got[0]) == (4, b"made")
    assert cut > 2


def test_a_start_whose_answer_was_lost_is_found_and_not_made_twice(ci, monkeypatch):
    commit = ci.commit("sleep 60")
    ci.take(commit)
    ci.lose_the_answer(monkeypatch)
    with pytest.raises(CiSilent):
        ci.builds.start(commit)
    assert ci.run(commit).stage == STARTING
    ci.age(commit)
    told = ci.poll()

    assert told == []
    assert ci.run(commit).stage == BUILDING
    assert len(ci.server.results(ci.project, commit)) == 1
    ci.server.stop(ci.project, ci.server.results(ci.project, commit)[0].number)


def test_a_build_that_takes_too_long_is_stopped(ci):
    commit = ci.started("sleep 300")
    number = ci.wait_for(lambda: ci.builds.look(commit, ci.run(commit)).number)
    ci.server.stop(ci.project, number)

    assert ci.ended(commit).status == "ABORTED"


def test_a_build_that_somebody_else_started_counts_for_nothing(ci):
    commit = ci.commit()
    ci.take(commit)
    number = ci.another(commit)

    with pytest.raises(CiError, match="differs in"):
        ci.builds.passed(commit, number, "e1")
    assert ci.run(commit).stage == ACCEPTED


def test_a_server_that_is_away_leaves_the_run_for_later(ci):
    commit = ci.commit()
    ci.take(commit)
    ci.settings = ci._settings("http://127.0.0.1:9")

    with pytest.raises(CiAway) as away:
        ci.builds.start(commit)
    assert away.value.hint.endswith("The build starts once it answers.")
    assert ci.run(commit).stage == ACCEPTED


def test_a_build_that_is_not_there_is_missing(ci):
    commit = ci.commit()

    with pytest.raises(CiMissing):
        ci.server.result(ci.project, 4711)
    with pytest.raises(CiMissing, match=commit[:7]):
        ci.server.of_commit(ci.project, commit)
