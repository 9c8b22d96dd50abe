"""A folder becomes a project of the lab, or is refused with a sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import project
from lab.errors import LabError
from lab.git import clone
from lab.places import REPOSITORY, Places
from lab.project import Project
from lab.world import World
from tests.announcer import announcer

NAME = "announcer"
EXAMPLES = REPOSITORY / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return announcer(tmp_path / "some folder" / NAME, NAME)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "lab", tmp_path / "cache")


def test_a_folder_becomes_a_project_with_a_port_of_its_own(places, folder):
    places.root.mkdir()
    first = project.read(folder, project.known(places))
    project.keep(places, first)
    (folder / "fpm.json").write_text('{"name": "other", "version": "1.0.0", "description": "Other"}')
    second = project.read(folder, project.known(places))

    assert (first.name, first.unit, first.repository) == (NAME, f"{NAME}.service", f"acme/{NAME}")
    assert (second.name, second.unit) == ("other", "")
    assert len({8080, first.port, second.port}) == 3
    assert [one.name for one in project.known(places)] == ["greeter", NAME]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "fpm.json").unlink(), "cannot be read"),
        (lambda folder: (folder / "fpm.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "fpm.json").write_text("[]"), "is not a JSON object"),
        (
            lambda folder: (folder / "fpm.json").write_text('{"name": "a b; rm"}'),
            "cannot be a project's name",
        ),
        (lambda folder: (folder / "fpm.json").write_text('{"name": "greeter"}'), "a project greeter already"),
        (lambda folder: (folder / "script/cibuild").chmod(0o644), "missing or not executable"),
    ],
)
def test_what_is_no_project_is_refused_with_a_sentence(places, folder, spoil, sentence):
    spoil(folder)

    with pytest.raises(LabError, match=sentence):
        project.read(folder, project.known(places))


def test_a_git_repository_keeps_its_history_and_a_folder_becomes_one_commit(places, folder, work):
    for message in ("One", "Two"):
        work.commit({"file": message}, message)
    for name, source in (("with-history", work.clone), (NAME, folder)):
        clone.take(places, World("127.87.0"), Project(name, 8090, ""), source)

    assert [len(commits(places, name)) for name in ("with-history", NAME)] == [2, 1]
    assert (places.clones(NAME) / "fpm.json").exists()


def test_several_projects_of_one_folder_share_its_repository_and_nothing_else(places):
    places.root.mkdir()
    found = project.read_all(places, EXAMPLES / "monorepo", ["api", "web"])
    for one in found:
        project.keep(places, one)

    assert [(one.name, one.unit, one.directory) for one in found] == [
        ("api", "api.service", "api"),
        ("web", "web.service", "web"),
    ]
    assert {(one.repository, one.clone, one.shared) for one in found} == {
        ("acme/monorepo", "monorepo", ("shared",))
    }
    assert len({one.port for one in found}) == 2
    assert project.known(places)[1:] == found


def commits(places: Places, name: str) -> list[str]:
    argv = ["git", "-C", str(places.clones(name)), "rev-list", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
