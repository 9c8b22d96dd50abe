"""A checkup names who is to be told of a project that is gone."""

from pathlib import Path

from cicd import config
from cicd.setup import configured
from cicd.store.store import Store
from tests.lib.test_config import example


def test_a_target_of_notices_that_names_a_project_which_is_gone_is_named(consul: str, tmp_path: Path):
    team = {"name": "team", "to": "webhook", "url_file": "/x", "projects": ["shop", "greeter"]}
    given = {**example(), "consul": {"url": consul}, "projects_dir": str(tmp_path), "notices": [team]}
    settings = config.parse(given)

    found = {one.what: one.said for one in configured.findings(Store(settings), settings, given)}

    assert found["notices of team"] == "names shop, which is not a project"
