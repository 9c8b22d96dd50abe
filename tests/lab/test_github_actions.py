"""GitHub Actions alone: the form of its API and webhooks, and runs that are not of the commit asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from cicd.ci import build_reconciler
from cicd.ci.run import ACCEPTED, FAILED, PASSED, STARTING, SUPERSEDED
from cicd.errors import CiAway, CiError, CiMoved, CiSilent
from lab.git.webhook import NAME, SECRET_FILE, URL
from tests.lab.ci_drivers import GitHubDriver, running

OCTOKIT = Path(__file__).resolve().parents[2] / "build" / "cache" / "octokit"
PACKAGE = "@octokit/webhooks-schemas@7.6.1"


@pytest.fixture
def ci(tmp_path: Path, work, consul: str, wait_for, monkeypatch) -> Iterator[GitHubDriver]:
    monkeypatch.setattr(build_reconciler, "CALLBACK_SECONDS", 0)
    with running(GitHubDriver, tmp_path, work, consul, wait_for) as made:
        yield made


@pytest.fixture(scope="session")
def schemas() -> dict:
    """GitHub's own schemas of its events; fetched once from npm."""
    installed = OCTOKIT / "node_modules" / PACKAGE.rpartition("@")[0] / "schema.json"
    if not installed.exists():
        npm = Path(sys.executable).with_name("npm")
        argv = [str(npm), "install", "--ignore-scripts", "--silent", "--prefix", str(OCTOKIT), PACKAGE]
        subprocess.run(argv, check=True, timeout=300)
    return json.loads(installed.read_text())["definitions"]


def test_every_step_of_a_run_is_told_in_githubs_own_form(ci, receiver, schemas):
    for key, value in ((URL, f"{receiver.url}/github"), (NAME, "acme/greeter")):
        ci.work.git("-C", str(ci.work.bare), "config", key, value)
    (ci.work.bare / SECRET_FILE).write_text("s")
    ci.ended(ci.started())
    ci.wait_for(lambda: len(receiver.requests) == 3)
    told = receiver.bodies()
    errors = [
        error.message
        for body in told
        for error in jsonschema.Draft7Validator(
            {"$ref": f"#/definitions/workflow_run${body['action']}", "definitions": schemas}
        ).iter_errors(body)
    ]

    assert errors == []
    assert [body["action"] for body in told] == ["requested", "in_progress", "completed"]
    assert {headers["X-Github-Event"] for _, headers, _ in receiver.requests} == {"workflow_run"}


def test_a_branch_that_went_on_supersedes_the_older_commit_and_starts_nothing(ci):
    old = ci.commit()
    ci.take(old)
    new = ci.commit()

    with pytest.raises(CiMoved, match=f"from {old[:7]} to {new[:7]}"):
        ci.builds.start(old)
    assert (ci.run(old).stage, ci.run(old).by) == (SUPERSEDED, new)
    assert ci.server.results(ci.project, old) == []
    assert ci.ask("GET", "repos/acme/greeter/actions/workflows/ci.yaml/runs").json()["total_count"] == 0


def test_a_github_that_does_not_show_the_push_yet_is_asked_again(ci, monkeypatch):
    old, new = ci.commit(), ci.commit()
    ci.take(new)
    builds = ci.builds
    monkeypatch.setattr(builds.server, "_head", lambda project, branch: old)

    with pytest.raises(CiAway, match=f"does not show {new[:7]} as the head of main"):
        builds.start(new)
    assert ci.run(new).stage == ACCEPTED
    monkeypatch.undo()
    assert ci.builds.start(new)["queue_id"]


def test_a_run_that_github_cannot_show_yet_is_found_later_and_not_made_twice(ci, monkeypatch):
    commit = ci.commit("sleep 60")
    ci.take(commit)
    ci.ask("POST", "lab/trouble", status=404, times=1, after=2)
    with pytest.raises(CiSilent):
        ci.builds.start(commit)
    assert ci.run(commit).stage == STARTING
    ci.age(commit)
    ci.poll()

    (found,) = ci.server.results(ci.project, commit)
    assert ci.run(commit).queue_id == found.number
    ci.server.stop(ci.project, found.number)


def test_a_branch_that_goes_on_while_the_run_is_made_has_it_cancelled(ci, monkeypatch):
    old = ci.commit("sleep 60")
    ci.take(old)
    server = ci.server
    head, new = server._head, []

    def head_before_another_push(project, branch):
        found = head(project, branch)
        new.append(ci.commit("sleep 60"))
        return found

    monkeypatch.setattr(server, "_head", head_before_another_push)
    builds = ci.builds
    builds.server = server
    with pytest.raises(CiMoved):
        builds.start(old)
    path = "repos/acme/greeter/actions/workflows/ci.yaml/runs"

    assert ci.run(old).by == new[0]
    assert ci.wait_for(lambda: ci.ask("GET", path).json()["workflow_runs"][0]["conclusion"] == "cancelled")


def test_a_failed_run_that_is_repeated_there_counts_when_it_passes(ci):
    flaky = f"test -e {ci.folder}/once || {{ touch {ci.folder}/once; exit 1; }}"
    commit = ci.started(flaky)
    number = ci.ended(commit).number
    ci.builds.failed(commit)
    assert ci.run(commit).stage == FAILED
    assert ci.ask("POST", f"repos/acme/greeter/actions/runs/{number}/rerun").status_code == 201
    ci.wait_for(lambda: ci.server.result(ci.project, number).status == "SUCCESS")

    assert ci.builds.passed(commit, number, "e1")["proceed"]
    assert (ci.run(commit).stage, ci.run(commit).build) == (PASSED, number)


def test_a_run_that_passed_and_fails_when_it_is_repeated_changes_nothing(ci, monkeypatch):
    commit = ci.started()
    number = ci.ended(commit).number
    ci.builds.passed(commit, number, "e1")
    builds = ci.builds
    failed = builds.server.result(ci.project, number).__class__
    result = builds.server.result

    def as_failed(project, number):
        known = result(project, number)
        return failed(known.number, "FAILURE", known.url, 1.0, known.started, number, known.parameters)

    monkeypatch.setattr(builds.server, "result", as_failed)
    with pytest.raises(CiError, match="passed and was taken"):
        builds.failed(commit)
    assert ci.run(commit).stage == PASSED


def test_a_zip_that_is_not_what_github_says_is_refused(ci):
    commit = ci.started("mkdir dist; echo made >dist/app.jar")
    number = ci.ended(commit).number
    (file,) = (ci.folder / "actions" / str(number)).glob("*.zip")
    file.write_bytes(file.read_bytes() + b"x")

    with pytest.raises(CiError, match=r"dist of run .* is sha256:.* and GitHub says that it is sha256:"):
        ci.server.artifacts(ci.project, number)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on: push\n", "does not have 'workflow_dispatch' trigger"),
        ("on:\n  workflow_dispatch:\n    inputs:\n      commit: {type: string}\n", "Unexpected inputs"),
    ],
)
def test_a_workflow_that_cannot_be_dispatched_fails_the_run_and_says_why(ci, text, said):
    commit = ci.commit(**{".github/workflows/ci.yaml": text})
    ci.take(commit)

    with pytest.raises(CiError, match=said) as refused:
        ci.builds.start(commit)
    assert "workflow_dispatch" in refused.value.hint
    assert (ci.run(commit).stage, ci.run(commit).status) == (FAILED, "REFUSED")


def test_an_enterprise_server_that_names_no_run_has_it_found_by_its_name_and_head(ci, monkeypatch):
    commit = ci.commit("sleep 60")
    ci.take(commit)
    server = ci.server
    ask = server._github.ask

    def without_details(method, path, body=None, params=None):
        return ask(
            method, path, body and {k: v for k, v in body.items() if k != "return_run_details"}, params
        )

    monkeypatch.setattr(server._github, "ask", without_details)
    builds = ci.builds
    builds.server = server
    assert builds.start(commit)["queue_id"] == 0
    ci.age(commit)
    ci.poll()

    assert ci.run(commit).queue_id == server.results(ci.project, commit)[0].number
    server.stop(ci.project, ci.run(commit).queue_id)


def test_a_project_in_a_folder_is_built_there_and_known_apart_from_others_of_its_repository(ci):
    scripts = {"script/cisetup": "#!/bin/sh\n", "script/cibuild": "#!/bin/sh\nmkdir dist\npwd >dist/where\n"}
    inside = replace(ci.project, name="api", directory="apps/api")
    commit = ci.commit(**{f"apps/api/{name}": text for name, text in scripts.items()})
    number = ci.server.start(inside, commit, "main")
    ci.wait_for(lambda: ci.server.result(inside, number).status == "SUCCESS")
    got: list[bytes] = []
    ci.server.download(inside, number, "dist/where", got.append, 1000)

    assert got[0].endswith(b"/apps/api\n")
    assert ci.server.verified(inside, ci.server.result(inside, number), commit, "main").number == number
    assert ci.server.results(ci.project, commit) == []
