"""Sources and patterns that do not do what they seem to: refused by name, or exactly what they say."""

import json
from pathlib import Path

import pytest

from cicd.errors import ProjectError
from tests.package.building import BuildHost, commit, project, run, write

BASE = {"version": "1.0.0", "description": "Greets all people."}


class Attempt:
    """A project, and what a build host says when it is to be packaged."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.repository = folder, project(folder / "app")
        self.host = BuildHost(folder / "home", self.repository)

    def describe(self, **values: object) -> str:
        write(self.repository / "fpm.json", json.dumps({**BASE, **values}))
        tested = commit(self.repository)
        assert self.host.fetch(tested).returncode == 0
        return tested

    def refusal(self, source: str, destination: str = "/usr/share/app/", kind: str = "file") -> str:
        """What is said when the build host is to package *source*."""
        entry = {"source": source, "destination": destination, "type": kind}
        tested = self.describe(files=[entry])
        try:
            done = self.host.try_build(tested)
        except ProjectError as problem:
            return str(problem)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def packaged(self, **values: object) -> list[str]:
        """The files below /opt/app when *values* are in fpm.json."""
        deb = self.host.build(self.describe(**values))["file"]
        lines = run("dpkg-deb", "-c", deb).stdout.splitlines()
        return sorted(
            line.partition(" ./opt/app/")[2] for line in lines if " ./opt/app/" in line and line[0] != "d"
        )


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path)


def test_a_source_that_is_not_there_or_no_plain_file_is_refused_by_name(attempt):
    secret = attempt.folder / "secret"
    write(secret / "key", "secret")
    (attempt.repository / "out").symlink_to(secret)
    (attempt.repository / "key").symlink_to(secret / "key")
    write(attempt.repository / "odd/with space", "x")
    (attempt.repository / "links").mkdir()
    (attempt.repository / "links/key").symlink_to(secret / "key")

    assert "`files` name none/*, which is not in the tree" in attempt.refusal("none/*")
    assert "`files` names key, which is not a plain file" in attempt.refusal("key")
    assert "`files` names out/key, which is not a plain file" in attempt.refusal("out/key")
    assert "`files` names out, which is not a plain file" in attempt.refusal("out", kind="tree")
    assert "out/key is not a plain file of the tree" in attempt.refusal("out/*")
    assert "links/key is not a plain file of the tree" in attempt.refusal("links/*")
    assert "script is not a plain file of the tree" in attempt.refusal("s*t")
    assert "match odd/with space: letters" in attempt.refusal("odd/*")


@pytest.mark.parametrize("kind", ["file", "config", "tree", "symlink", "dir"])
def test_nothing_is_put_behind_a_link_of_the_repository(attempt, kind):
    outside = attempt.folder / "outside"
    outside.mkdir()
    (attempt.repository / "data").symlink_to(outside)
    source = {"source": "script"} if kind == "tree" else {} if kind == "dir" else {"source": "app.conf"}
    tested = attempt.describe(files=[{**source, "destination": "/opt/app/data/x", "type": kind}])
    done = attempt.host.try_build(tested)

    assert done.returncode == 1
    assert "stage/opt/app/data/x leads through a symbolic link of the repository" in done.stderr
    assert list(outside.iterdir()) == []


def test_a_tree_is_packaged_as_it_is_with_its_links_and_odd_names(attempt, tmp_path):
    for name in ("a b", "ünï", "-rf", "$(touch owned)"):
        write(attempt.repository / "share" / name, name)
    (attempt.repository / "share/out").symlink_to("/etc/shadow")
    entry = {"source": "share", "destination": "/usr/share/app", "type": "tree"}
    deb = attempt.host.build(attempt.describe(files=[entry], exclude=["*"]))["file"]
    run("dpkg-deb", "-x", deb, str(tmp_path / "tree"))
    found = tmp_path / "tree/usr/share/app"

    assert sorted(path.name for path in found.iterdir()) == ["$(touch owned)", "-rf", "a b", "out", "ünï"]
    assert str((found / "out").readlink()) == "/etc/shadow"


def test_exclude_speaks_the_language_of_gitignore(attempt):
    for name in ("-x.tmp", "ü n.tmp", "keep.tmp", "docs/a.md", "deep/docs/b.md", "deep/c.txt", "only/d.tmp"):
        write(attempt.repository / name, name)
    always = ["REVISION", "script/post-inst"]
    found = attempt.packaged(
        exclude=["*.tmp", "!keep.tmp", "/docs", "deep/*.txt", "!/script/cibuild", "app.*"]
    )
    assert found == [*always[:1], "deep/docs/b.md", "fpm.json", "keep.tmp", "script/cibuild", *always[1:]]

    assert attempt.packaged(exclude=["*"]) == always


def test_a_build_is_not_misled_by_what_git_on_its_host_is_told(attempt):
    write(attempt.host.home / ".gitconfig", "[core]\n\texcludesFile = ~/excludes\n\tquotePath = true\n")
    write(attempt.host.home / "excludes", "*.conf\n")
    write(attempt.repository / ".gitignore", "*.service\n")

    assert {"app.conf", "app.service"} <= set(attempt.packaged())
