"""Whose run of GitHub Actions an event tells of: all but those that this pack began are ignored."""

from copy import deepcopy

import pytest

from cicd.ci import reported_run
from cicd.ci.reported_run import FAILED, IGNORED, PASSED, STARTED
from cicd.ci.run import BUILDING, Run
from cicd.ci_choice import CiChoice
from cicd.config import Project
from cicd.errors import InputError

COMMIT, OTHER = "a" * 40, "b" * 40
NUMBER = 10_000_000_001
ACTIONS = CiChoice("github_actions", "ci.yaml")
API, WEB = Project("api", "acme/shop", ci=ACTIONS), Project("web", "acme/shop", ci=ACTIONS)
EVENT = {
    "action": "completed",
    "workflow_run": {
        "id": NUMBER,
        "head_sha": COMMIT,
        "head_branch": "main",
        "path": ".github/workflows/ci.yaml",
        "event": "workflow_dispatch",
        "conclusion": "success",
        "display_title": "{{ 7 * 7 }}",
        "head_repository": {"full_name": "acme/shop"},
    },
    "repository": {"full_name": "acme/shop"},
}


def event(**changes: object) -> dict:
    changed = deepcopy(EVENT)
    changed["workflow_run"].update(changes)
    return changed


def building(commit: str = COMMIT, number: int = NUMBER) -> dict[str, Run]:
    return {commit: Run(BUILDING, 1.0, queue_id=number)}


def meaning(told: dict, projects=(API,), **known: dict) -> reported_run.Meaning:
    runs = {project.name: known.get(project.name, {}) for project in projects}
    return reported_run.meaning(reported_run.parse(told), projects, runs)


def test_a_run_is_that_of_the_project_that_recorded_its_id():
    found = meaning(event(), (API, WEB), api=building(number=7), web=building())

    assert (found.project, found.reason) == ("web", "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event": "push"}, "begun by push"),
        ({"event": "pull_request"}, "begun by pull_request"),
        ({"head_repository": {"full_name": "eve/shop"}}, "fork eve/shop"),
        ({"path": ".github/workflows/release.yaml"}, "release.yaml is the workflow of no project"),
        ({"path": "dynamic/code-scanning"}, "its file is the workflow of no project"),
        ({"id": NUMBER + 1}, "no run of api asked for it"),
        ({"head_sha": OTHER}, "it builds bbbbbbb, and api asked for aaaaaaa"),
        ({"event": "{{ config_context }}"}, "something unknown"),
    ],
)
def test_any_other_run_is_ignored_and_the_reason_said(changes, reason):
    found = meaning(event(**changes), api=building())

    assert found.project == ""
    assert reason in found.reason


def test_a_project_that_jenkins_builds_has_no_runs_of_github():
    assert "no project of acme/shop" in meaning(event(), (Project("api", "acme/shop"),)).reason


def test_a_run_whose_start_is_just_being_recorded_is_known_by_its_commit_unless_two_projects_start_one():
    starting = {COMMIT: Run("starting", 1.0)}

    assert meaning(event(), api=starting).project == "api"
    assert meaning(event(), (API, WEB), api=starting, web=building()).project == "web"
    assert "api and web start one now" in meaning(event(), (API, WEB), api=starting, web=starting).reason


@pytest.mark.parametrize(
    ("action", "conclusion", "state"),
    [
        ("in_progress", None, STARTED),
        ("completed", "success", PASSED),
        *(("completed", word, FAILED) for word in ("failure", "cancelled", "timed_out", "neutral", None)),
        ("requested", None, IGNORED),
    ],
)
def test_only_a_success_has_passed(action, conclusion, state):
    assert reported_run.parse({**event(conclusion=conclusion), "action": action}).state == state


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"id": "1"}, "id"), ({"head_sha": "HEAD"}, "commit"), ({"id": -1}, "id"), ({"id": True}, "id")],
)
def test_a_run_without_usable_identifiers_is_refused(changes, said):
    with pytest.raises(InputError, match=f"The {said} of the run"):
        reported_run.parse(event(**changes))
