"""What a checkup says of a webhook."""

import pytest

from cicd.finding import GOOD, WARNING, WRONG
from cicd.setup.webhooks import finding

URL = "https://gateway.example.com/github"


def hook(code: int | None = None, url: str = URL) -> dict:
    return {"id": 1, "config": {"url": url}, "last_response": {"code": code}}


@pytest.mark.parametrize("code", [None, 200, 202])
def test_a_webhook_that_is_taken_or_was_never_needed_is_good(code):
    assert finding("webhook", [hook(url="https://other.example.com"), hook(code)], URL).state == GOOD


@pytest.mark.parametrize(
    ("code", "way"), [(401, "secret"), (403, "secret"), (500, "journalctl"), (502, "journalctl")]
)
def test_one_whose_last_delivery_was_refused_says_with_what_and_where_to_look(code, way):
    found = finding("webhook", [hook(code)], URL)

    assert found.state == WARNING
    assert f"its last delivery was answered {code}" in found.said
    assert way in found.fix


@pytest.mark.parametrize("hooks", [[], [hook(200, "https://other.example.com")], [{"id": 1}]])
def test_one_that_reports_elsewhere_is_missing(hooks):
    assert finding("webhook", hooks, URL).state == WRONG
