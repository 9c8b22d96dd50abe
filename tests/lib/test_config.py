"""The configuration says what is missing."""

from pathlib import Path

import pytest
import yaml

from cicd import config
from cicd.errors import ConfigError

ROOT = Path(__file__).parents[2]


def example() -> dict:
    return yaml.safe_load((ROOT / "cicd.yaml.example").read_text())


def test_the_example_is_a_whole_configuration():
    settings = config.parse(example())

    assert settings.project("greeter").repository == "acme/greeter"


@pytest.mark.parametrize(
    ("section", "key"), [("jenkins", "url"), ("ssh", "private_key_file"), ("repository", "gpg_key")]
)
def test_a_missing_key_is_named(section, key):
    broken = example()
    del broken[section][key]

    with pytest.raises(ConfigError, match=f"{section}.{key}"):
        config.parse(broken)


def test_the_empty_configuration_that_stackstorm_gives_on_errors_is_refused():
    with pytest.raises(ConfigError, match="missing"):
        config.parse({})


def test_an_unknown_project_is_refused_with_those_that_exist():
    with pytest.raises(ConfigError) as error:
        config.parse(example()).project("nosuch")

    assert "greeter" in error.value.hint


@pytest.mark.parametrize(
    ("discovery", "tags"),
    [
        ({}, ("greeter::app", "greeter::app_canary")),
        ({"tag": "{role}", "canary_tag": "canary_{role}"}, ("fe", "canary_fe")),
    ],
)
def test_both_tag_conventions_of_2015_can_be_configured(discovery, tags):
    values = {**example(), "discovery": discovery}
    values["projects"]["greeter"]["role"] = tags[0].rpartition(":")[2]
    settings = config.parse(values)
    project = settings.project("greeter")

    assert (settings.tag(project), settings.canary_tag(project)) == tags


def test_a_file_with_which_projects_are_added_is_named_when_actions_cannot_read_it(tmp_path):
    settings = config.parse({**example(), "administration": {"ssh_key_file": str(tmp_path / "nosuch")}})

    assert config.unreadable(settings, config.READ_BY_ADMINISTRATION) == [str(tmp_path / "nosuch")]


def parsed(**project: object) -> config.Project:
    values = {**example(), "projects": {"api": {"repository": "acme/shop", **project}}}
    return config.parse(values).project("api")


@pytest.mark.parametrize(
    "directory", ["/api", "../api", "a/../b", "a//b", "api/", ".", "a/.", "a b", "a;b", "a\n"]
)
def test_a_directory_that_leads_elsewhere_is_refused_by_name(directory):
    with pytest.raises(ConfigError, match=r"projects\.api\.directory"):
        parsed(directory=directory)


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, ()),
        ({"directory": "apps/api"}, ("apps/api/",)),
        ({"directory": ".ci..d/v1.0"}, (".ci..d/v1.0/",)),
        ({"directory": "api", "paths": ["api/", "*.lock"]}, ("api/", "*.lock")),
    ],
)
def test_the_paths_of_a_project_are_its_directory_unless_they_are_given(given, paths):
    assert parsed(**given).paths == paths


def test_the_example_of_two_projects_in_one_repository_gives_each_its_own_folder():
    lines = (ROOT / "cicd.yaml.example").read_text().splitlines()
    shop = yaml.safe_load("\n".join(line.replace("# ", "", 1) for line in lines if "acme/shop" in line))
    settings = config.parse({**example(), "projects": shop})

    assert {p.name: (p.directory, p.paths, p.watch_paths) for p in settings.projects_of("acme/shop")} == {
        "api": ("api", ("api/",), ("shared/",)),
        "web": ("web", ("web/",), ("shared/",)),
    }
