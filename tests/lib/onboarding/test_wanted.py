"""What is impossible is refused before anything is touched, whoever asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.errors import CicdError
from cicd.onboarding import wanted
from cicd.onboarding.wanted import Request
from tests.lib.test_config import example

HOSTILE = ["{{ config_context }}", "<% ctx() %>", "$(reboot)", "a;b", "../x", "a b", "-rf", "ü", "a\nb", ""]


def request(**changed: object) -> Request:
    asked = {
        "definition": {"repository": "acme/shop"},
        "hosts": {"canary": ["web1"], "production": ["web2"]},
        "port": 8090,
        "health": "/health",
        "unit": "shop.service",
    }
    return Request(**{**asked, **changed})


def given(folder: Path) -> dict:
    return {**example(), "projects_dir": str(folder)}


def test_what_was_asked_for_is_a_project_beside_those_of_the_configuration(tmp_path):
    found = wanted.parse(given(tmp_path), "shop", request())

    assert found.project.repository == "acme/shop"
    assert found.file == tmp_path / "shop.yaml"
    assert found.rings == {"web1": "canary", "web2": "production"}
    assert sorted(found.settings.projects) == ["greeter", "shop"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "repository", "host", "health", "unit", "job"])
def test_a_hostile_name_is_refused_in_every_field(tmp_path, field, text):
    may_be_empty = field in ("unit", "job") and not text
    definition = {"repository": "acme/shop", **({field: text} if field in ("repository", "job") else {})}
    asked = {
        "host": {"hosts": {"canary": [text], "production": ["web2"]}},
        "health": {"health": text},
        "unit": {"unit": text},
    }.get(field, {"definition": definition})
    if may_be_empty or (field == "job" and text == "a b"):  # Jenkins takes a space
        return wanted.parse(given(tmp_path), "shop", request(**asked)) and None
    with pytest.raises(CicdError):
        wanted.parse(given(tmp_path), text if field == "name" else "shop", request(**asked))


@pytest.mark.parametrize("listed", ["web1", 5, {"web1": ""}, None])
def test_hosts_that_are_no_list_are_refused_as_what_they_are(tmp_path, listed):
    with pytest.raises(CicdError, match=r"is not a list of hosts"):
        wanted.parse(given(tmp_path), "shop", request(hosts={"canary": listed, "production": ["web2"]}))


def test_without_a_folder_for_its_file_no_project_is_added(tmp_path):
    with pytest.raises(CicdError, match="`projects_dir` is not set"):
        wanted.parse(example(), "shop", request())


def test_a_project_that_stands_below_projects_already_is_refused(tmp_path):
    with pytest.raises(CicdError, match="below `projects`"):
        wanted.parse(given(tmp_path), "greeter", request())
