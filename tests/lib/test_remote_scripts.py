"""The scripts that run on other machines, run here with real git, nfpm and dpkg."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cicd import build, metadata, package
from cicd.package import Origin
from cicd.ssh import SCRIPTS
from cicd.version import package_version

NFPM = Path(sys.executable).parent / "nfpm"
FPM_JSON = """{"version": "1.0.0", "description": "Greets.", "unit": "app.service",
"conffiles": ["/opt/app/app.conf"]}"""


def script(name: str, *arguments: str, home: Path) -> subprocess.CompletedProcess:
    path = f"{NFPM.parent}:{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["sh", "-c", (SCRIPTS / f"{name}.sh").read_text(), name, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "app"
    (path / "script").mkdir(parents=True)
    for name in ("cisetup", "cibuild", "post-inst"):
        (path / "script" / name).write_text("#!/bin/sh\n")
        (path / "script" / name).chmod(0o755)
    (path / "fpm.json").write_text(FPM_JSON)
    (path / "app.conf").write_text("x = 1\n")
    (path / "app.service").write_text("[Service]\nExecStart=/bin/true\n")
    (path / "odd name\n$(touch owned)").write_text("odd")
    git(path, "init", "-q", "-b", "main")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "First")
    return path


def fetched(repository: Path, home: Path, commit: str, run: str = "r1") -> None:
    done = script("fetch_commit", run, str(repository), commit, home=home)
    assert done.returncode == 0, done.stderr


def built(repository: Path, home: Path, commit: str) -> dict[str, str]:
    fetched(repository, home, commit)
    said = build._pairs(script("read_metadata", "r1", home=home).stdout)
    meta = metadata.read("app", commit, build._decoded(said["fpm_json"]), said)
    version = package_version(meta.version, int(said["commits"]), commit)
    origin = Origin("acme/app", commit, f"acme/app@{commit}", int(said["time"]))
    for name, content in package.files(meta, version, origin).items():
        (home / "builds/r1" / name).write_text(content)
    arguments = ["r1", "nfpm", meta.prefix, said["time"], version, commit, meta.unit]
    done = script("build_package", *arguments, home=home)
    assert done.returncode == 0, done.stderr
    return build._pairs(done.stdout)


def test_defect_6_the_commit_asked_for_is_built_though_the_branch_moved_on(repository, tmp_path):
    tested = git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "-qm", "Second", "--allow-empty")
    fetched(repository, tmp_path / "home", tested)

    assert git(tmp_path / "home/builds/r1/source", "rev-parse", "HEAD") == tested


def test_a_commit_that_is_not_in_the_repository_is_a_clear_failure(repository, tmp_path):
    done = script("fetch_commit", "r1", str(repository), "f" * 40, home=tmp_path)

    assert done.returncode != 0
    assert f"commit {'f' * 40} is not in" in done.stderr


def test_the_same_commit_gives_the_same_bytes_on_another_host(repository, tmp_path):
    commit = git(repository, "rev-parse", "HEAD")
    digests = {built(repository, tmp_path / host, commit)["sha256"] for host in ("one", "two")}

    assert len(digests) == 1


def test_the_package_says_where_it_came_from_and_carries_its_files(repository, tmp_path):
    commit = git(repository, "rev-parse", "HEAD")
    deb = built(repository, tmp_path / "home", commit)["file"]
    fields = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True, check=True).stdout
    listing = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout

    assert f"X-Git-Commit: {commit}" in fields
    assert f"Version: 1.0.0-1.{commit[:7]}" in fields
    assert "root/root" in listing
    assert "./opt/app/REVISION" in listing
    assert "./usr/lib/systemd/system/app.service" in listing


def test_defect_14_a_run_is_built_and_removed_in_one_place(repository, tmp_path):
    commit = git(repository, "rev-parse", "HEAD")
    fetched(repository, tmp_path, commit, run="r1")
    fetched(repository, tmp_path, commit, run="r2")
    script("clean_build", "r1", home=tmp_path)

    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["r2"]


def test_hostile_file_names_and_values_leave_no_trace(repository, tmp_path):
    built(repository, tmp_path / "home", git(repository, "rev-parse", "HEAD"))

    assert not list(tmp_path.rglob("owned"))


def test_a_project_without_fpm_json_is_read_as_such(repository, tmp_path):
    git(repository, "rm", "-q", "fpm.json")
    git(repository, "commit", "-qm", "Forget")
    fetched(repository, tmp_path, git(repository, "rev-parse", "HEAD"))

    assert "fpm_json" not in script("read_metadata", "r1", home=tmp_path).stdout
