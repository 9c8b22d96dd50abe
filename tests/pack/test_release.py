"""`script/release` writes a git repository of the pack alone, one tag a version."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNRELEASED = re.compile(r"## Unreleased\n.*?(?=\n## )", re.S)
NAMES = ("pack.yaml", "CHANGELOG.md", "reference/stable.txt")
Release = Callable[[Path], subprocess.CompletedProcess[str]]


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    done = run("git", "-c", "user.name=ann", "-c", "user.email=ann@lab.invalid", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout, as a maintainer has it."""
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{ROOT}", "checkout")
    folder = tmp_path / "checkout"
    (folder / "script" / "release").write_bytes((ROOT / "script" / "release").read_bytes())
    if git(folder, "status", "--porcelain"):
        git(folder, "commit", "-q", "-a", "-m", "Release as it is now")
    raise_version(folder)
    return folder


@pytest.fixture
def release(checkout: Path) -> Release:
    """The script, as a function of the folder."""
    return lambda folder: run(sys.executable, checkout / "script" / "release", folder, cwd=checkout)


def raise_version(checkout: Path) -> None:
    pack, changes, promises = (checkout / name for name in NAMES)
    number = "9" + re.findall(r"version: (\S+)", pack.read_text())[0]
    pack.write_text(pack.read_text().replace("version: ", "version: 9", 1))
    section = f"## Unreleased\n\n## {number} - 2027-01-01\n\n- All.\n"
    changes.write_text(UNRELEASED.sub(section, changes.read_text(), count=1))
    promises.write_text(re.sub("cicd .* promises", f"cicd {number} promises", promises.read_text(), count=1))
    git(checkout, "commit", "-q", "-m", "Raise the version", *NAMES)


def tags(folder: Path) -> int:
    return len(git(folder, "tag").splitlines())


def test_it_brings_what_a_node_needs_and_nothing_else_and_the_modules_compiled(release, tmp_path):
    folder = tmp_path / "release"
    made = release(folder)
    assert made.returncode == 0, made.stderr
    here = {path.name for path in folder.iterdir()}

    assert {"pack.yaml", "actions", "rules", "sensors", "requirements.txt", "config.schema.yaml"} <= here
    assert not here & {"tests", "lab", "st2local", "gateway", "host", "bench", "demo"}
    assert list(folder.glob("actions/lib/cicd/__pycache__/errors.*.pyc"))
    assert git(folder, "status", "--porcelain") == ""
    imported = run(
        sys.executable, "-c", "import cicd.deploy; print(cicd.deploy.__file__)", cwd=folder / "actions/lib"
    )
    assert imported.stdout.startswith(str(folder)), imported.stderr


def test_a_second_version_is_a_second_tag_and_leaves_nothing_of_the_first(release, checkout, tmp_path):
    folder = tmp_path / "release"
    release(folder)
    git(checkout, "rm", "-q", "rbac/assignments", "-r")
    raise_version(checkout)

    git(checkout, "commit", "-q", "-m", "Remove what nobody needs")
    assert release(folder).returncode == 0
    assert tags(folder) == 2
    assert not (folder / "rbac" / "assignments").exists()


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        ("CHANGELOG.md", "## Unreleased\n\n- A line.\n", "CHANGELOG.md has no section"),
        ("reference/stable.txt", "# What cicd 0.9.0 promises\n", "reference/stable.txt is not of"),
    ],
)
def test_a_version_that_its_changelog_or_its_promises_do_not_name_is_refused(
    release, checkout, tmp_path, name, words, problem
):
    (checkout / name).write_text(words)
    git(checkout, "commit", "-q", "-m", "Forget it", name)
    refused = release(tmp_path / "release")

    assert (refused.returncode, problem in refused.stderr) == (1, True), refused.stderr
    assert not (tmp_path / "release").exists()


def test_what_is_not_committed_or_tagged_already_is_refused_and_nothing_changes(release, checkout, tmp_path):
    folder = tmp_path / "release"
    assert release(folder).returncode == 0
    before = git(folder, "rev-parse", "HEAD")

    again = release(folder)
    raise_version(checkout)
    (checkout / "README.md").write_text("half written")
    unclean = release(folder)

    assert "raise `version` in pack.yaml" in again.stderr
    assert "not committed" in unclean.stderr
    assert (again.returncode, unclean.returncode) == (1, 1)
    assert (git(folder, "rev-parse", "HEAD"), git(folder, "status", "--porcelain")) == (before, "")


def test_a_folder_with_something_else_in_it_is_refused(release, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter").write_text("Dear Ann,")

    assert "name another folder" in release(folder).stderr
    assert [path.name for path in folder.iterdir()] == ["letter"]
