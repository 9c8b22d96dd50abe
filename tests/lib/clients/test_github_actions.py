"""What of a job's log at GitHub Actions is shown, and where people see a run."""

import pytest

from cicd.ci_choice import CiChoice
from cicd.clients import github_actions
from cicd.config import Project
from tests.lib.consul_settings import changed, settings

LOG = """\ufeff2026-11-29T17:29:26.0000000Z ##[group]Run ./script/cisetup
2026-11-29T17:29:26.0000001Z shell: /usr/bin/bash -e {0}
2026-11-29T17:29:26.0000002Z ##[endgroup]
2026-11-29T17:29:26.1000000Z prepared
2026-11-29T17:29:26.2000000Z ##[group]Run ./script/cibuild
2026-11-29T17:29:26.2000001Z ##[endgroup]
2026-11-29T17:29:26.3000000Z the sum is wrong
2026-11-29T17:29:26.3000001Z 2026-11-29T17:00:00Z is no date of ours
2026-11-29T17:29:26.4000000Z ##[error]Process completed with exit code 3.
2026-11-29T17:29:26.5000000Z Post job cleanup.
2026-11-29T17:29:26.5000001Z [command]/usr/bin/git version
""".splitlines()
PROJECT = Project("shop", "acme/shop", ci=CiChoice("github_actions", "ci.yaml"))


def test_of_a_failed_job_the_failed_step_alone_is_shown():
    assert github_actions.failed_step(LOG) == [
        "the sum is wrong",
        "2026-11-29T17:00:00Z is no date of ours",
        "Error: Process completed with exit code 3.",
    ]


def test_of_a_job_without_an_error_all_is_shown_but_the_heads_of_steps():
    passed = [line for line in LOG if "##[error]" not in line]

    assert github_actions.failed_step(passed)[:2] == ["shell: /usr/bin/bash -e {0}", "prepared"]
    assert github_actions.failed_step([]) == []


@pytest.mark.parametrize(
    ("api", "site"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.example.com/api/v3", "https://github.example.com"),
        ("https://api.acme.ghe.com/", "https://acme.ghe.com"),
    ],
)
def test_a_run_is_seen_where_its_github_shows_it(api, site):
    known = changed(settings("http://127.0.0.1:1"), "github", api_url=api)

    assert github_actions.page(known, PROJECT, 7) == f"{site}/acme/shop/actions/runs/7"
    assert github_actions.page(known, PROJECT) == f"{site}/acme/shop/actions/workflows/ci.yaml"
