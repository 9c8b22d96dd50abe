"""Projects in files of their own: each counts by itself, and one that cannot be used is refused by name."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd import config, project_files
from cicd.ci.push import Push, decide
from cicd.config import Settings
from cicd.errors import ConfigError, RepositoryError
from cicd.repository.prune import prune_all
from cicd.setup import sensor_life
from tests.lib.test_config import example

Parsed = Callable[..., Settings]


@pytest.fixture
def parsed(tmp_path: Path) -> Parsed:
    """A function that reads the example and, beside it, files by their names."""

    def parse(given: dict | None = None, **files: str) -> Settings:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return config.parse({**example(), **(given or {}), "projects_dir": str(tmp_path)})

    return parse


def why(settings: Settings, name: str) -> str:
    with pytest.raises(ConfigError) as error:
        settings.project(name)
    return f"{error.value.message} {error.value.hint}"


def test_a_file_is_a_project_with_the_keys_that_it_has_below_projects(parsed):
    settings = parsed(shop="repository: acme/shop\nbranch: trunk\n", blog="repository: acme/blog\n")

    assert sorted(settings.projects) == ["blog", "greeter", "shop"]
    assert settings.project("shop").branch == "trunk"
    assert not settings.unusable


def test_all_projects_may_be_in_files_and_there_may_be_none_yet(parsed):
    assert not parsed({"projects": None}).projects
    assert list(parsed({"projects": {}}, shop="repository: acme/shop\n").projects) == ["shop"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("repository: acme/shop\nbrach: main\n", r"`projects.shop.brach` is not a key .*shop.yaml, line 2\."),
        ("repository: [acme\nbranch: x\n", r"is not YAML: .*shop.yaml, line 2: "),
        ("repository: acme/shop; id\n", r"shop.yaml: 'acme/shop; id' is not a valid repository"),
        ("branch: main\n", r"`projects.shop.repository` is missing in .*shop.yaml, line 1"),
        ("- repository: acme/shop\n", r"shop.yaml is not a mapping"),
        ("", r"shop.yaml is not a mapping"),
        ("repository: acme/shop\nrings: [{name: x}, {name: x}]\n", r"rings\[1\].* shop.yaml, line 2"),
        ("repository: acme/shop\nrequires: {nosuch: '1'}\n", r"names nosuch, which is not another project"),
        ("repository: acme/shop\napproval: {count: 2, approvers: [ann]}\n", r"shop.yaml: .*wants 2 app"),
        ("repository: acme/shop\nsince: 2020-13-45\n", r"shop.yaml cannot be read: month must be"),
        ("repository: !!bool perhaps\n", r"shop.yaml cannot be read: 'perhaps'"),
        ("repository: !!int ''\n", r"shop.yaml cannot be read: "),
        ("repository: !!timestamp now\n", r"shop.yaml cannot be read: "),
        ("[" * 40_000 + "]" * 40_000, r"shop.yaml cannot be read: it is larger than 64 KiB"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_by_name_and_line_and_keeps_no_other_from_working(parsed, text, said):
    settings = parsed(shop=text, blog="repository: acme/blog\n")

    with pytest.raises(ConfigError, match=said.replace(" .* ", ".*").replace(" shop.yaml", ".*shop.yaml")):
        settings.project("shop")
    assert sorted(settings.projects) == ["blog", "greeter"]


def test_a_pipe_or_a_folder_or_a_link_to_nothing_is_refused_by_name_and_nothing_waits_for_it(
    parsed, tmp_path
):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nothing")
    settings = parsed(blog="repository: acme/blog\n")

    assert sorted(settings.projects) == ["blog", "greeter"]
    assert "pipe.yaml cannot be read: it is not a regular file" in why(settings, "pipe")
    assert "folder.yaml cannot be read" in why(settings, "folder")
    assert "link.yaml cannot be read: No such file" in why(settings, "link")
    assert project_files.digests(str(tmp_path))["pipe.yaml"] == "unreadable: it is not a regular file"


def test_a_file_that_goes_stops_nobody_though_a_target_of_notices_names_its_project(parsed):
    team = {"name": "team", "to": "webhook", "url_file": "/x", "projects": ["shop", "greeter"]}

    assert parsed({"notices": [team]}).notices[0].projects == ("shop", "greeter")
    with pytest.raises(ConfigError, match="names shop, which is not a project"):
        config.parse({**example(), "notices": [team]})


def test_who_asks_for_all_projects_hears_of_each_that_cannot_be_used(parsed):
    settings = parsed(shop="[]", blog="[]")

    with pytest.raises(ConfigError, match=r"blog.yaml .* So are the files of shop\."):
        settings.refuse_unusable()


def test_a_project_whose_file_is_wrong_is_named_where_all_are_pruned_and_where_a_push_is_of_no_project(
    parsed,
):
    settings = parsed({"projects": None}, shop="[]")

    with pytest.raises(RepositoryError, match=r"1 of 1 projects were not pruned: shop \(.*shop.yaml"):
        prune_all(settings, dry_run=True)
    push = Push("acme/shop", "refs/heads/main", "a" * 40)
    assert decide(None, push, unusable=list(settings.unusable)).reason.endswith(
        "it may be of shop, whose file cannot be used"
    )


def test_a_project_that_stands_in_two_places_is_refused_in_both(parsed):
    settings = parsed(greeter="repository: acme/greeter\n")

    assert "below `projects` in the pack's configuration as well" in why(settings, "greeter")
    assert not settings.projects


def test_two_files_that_want_the_same_are_both_refused_and_one_that_wants_what_others_have_by_itself(parsed):
    claim = "repository: acme/{0}\npackages: [{1}]\n"
    here = {"projects": {"greeter": {"repository": "acme/greeter", "packages": ["tools"]}}}
    names = {"a": "xx", "b": "xx", "c": "tools"}
    settings = parsed(here, **{project: claim.format(project, name) for project, name in names.items()})

    assert list(settings.projects) == ["greeter"]
    assert "The package xx is given to" in why(settings, "a")
    assert "The package xx is given to" in why(settings, "b")
    assert "The package tools is given to greeter and to c" in why(settings, "c")


def test_what_requires_a_project_whose_file_is_wrong_stays_a_project(parsed):
    settings = parsed(shop="[]", web="repository: acme/web\nrequires: {shop: '2.0'}\n")

    assert settings.project("web").requires == {"shop": "2.0"}
    assert "not a mapping" in why(settings, "shop")


def test_a_file_with_another_ending_or_an_impossible_name_is_named_and_what_editors_leave_is_not(tmp_path):
    for name in ("shop.yml", "a b.yaml", ".shop.yaml", "shop.yaml~", "shop.yaml.bak", "README"):
        (tmp_path / name).write_text("repository: acme/shop\n")
    settings = config.parse({**example(), "projects_dir": str(tmp_path)})

    assert sorted(settings.unusable) == ["a b", "shop.yml"]
    assert "must end in .yaml" in settings.unusable["shop.yml"].message


def test_a_name_of_any_bytes_is_text_where_it_is_shown(tmp_path):
    for name in (b"sh\xff.yaml", b"sh\xff.yml", b"a\n{{ b }}.yaml"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("")
    settings = config.parse({**example(), "projects_dir": str(tmp_path)})
    shown = " ".join([*settings.unusable, *project_files.digests(str(tmp_path))])
    said = " ".join(error.message + error.hint for error in settings.unusable.values())

    assert sorted(settings.unusable) == ["a {\u200b{ b }}", "sh\ufffd", "sh\ufffd.yml"]
    assert not re.search(r"\{\{|\n", shown)
    assert (shown + said).encode()


def test_a_folder_that_cannot_be_read_stops_everything_since_all_its_projects_would_be_gone(tmp_path):
    with pytest.raises(ConfigError, match="nosuch with the projects cannot be read: No such file"):
        config.parse({**example(), "projects_dir": str(tmp_path / "nosuch")})


def test_a_process_with_another_file_has_another_configuration(tmp_path):
    given = {**example(), "projects_dir": str(tmp_path)}
    before = sensor_life.digest(given)
    (tmp_path / "shop.yaml").write_text("repository: acme/shop\n")
    changed = sensor_life.digest(given)
    (tmp_path / "shop.yaml").unlink()

    assert before == sensor_life.digest(given) != changed
