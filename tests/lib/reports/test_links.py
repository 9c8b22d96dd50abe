"""Where people see more of what they are told."""

import pytest

from cicd.release.record import EVERYTHING
from cicd.reports import links
from tests.lib.consul_settings import changed, settings

SETTINGS = settings("http://127.0.0.1:1")
COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("project", "commit", "page"),
    [
        ("greeter", COMMIT, f"https://status.example.com/projects/greeter/commits/{COMMIT}"),
        ("greeter", "", "https://status.example.com/projects/greeter"),
        (EVERYTHING, "", "https://status.example.com/"),
    ],
)
def test_a_page_is_that_of_the_commit_or_the_project_or_of_all(project, commit, page):
    known = changed(SETTINGS, "status_page", url="https://status.example.com/")

    assert links.of_page(known, project, commit) == page


def test_without_a_page_there_is_no_link_to_one():
    assert links.of_page(SETTINGS, "greeter", COMMIT) == ""
