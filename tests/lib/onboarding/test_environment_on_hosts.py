"""The file of an environment, as the scripts bring it to a host, look at it, and take it away."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cicd.clients.scripts import script_text
from cicd.onboarding import environment_file
from cicd.project import Project
from cicd.release.host import Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root the scripts need sudo")
PROJECT = Project("shop", "acme/shop", environment={"HOST": "{address}"})
FILE, OURS = next(iter(environment_file.files(PROJECT, Host("web1", "10.0.0.1")).items()))
THEIRS = "HOST=0.0.0.0\n"
FOLDERS = ("etc/cicd", "etc/consul.d", "etc/default", "bin")


class ScriptHost:
    """A folder that the scripts take for the root of a host; *installed* is what dpkg says of the package."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        for program in ("cicd-converge", "systemctl", "dpkg-query", "curl"):
            self.says(program, "")

    def says(self, program: str, words: str) -> None:
        path = self.root / "bin" / program
        path.write_text(f"#!/bin/sh\necho '{words}'\n")
        path.chmod(0o755)

    def run(self, name: str, *arguments: str) -> str:
        text = re.sub(r"/(etc|run|var/lib|usr/bin)/", rf"{self.root}/\1/", script_text(name))
        text = text.replace("/usr/bin/", "/bin/")
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        argv = ["sh", "-c", text, "sh", *arguments]
        return subprocess.run(
            argv, env={"PATH": path}, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def add(self, environment: str) -> None:
        given = self.root / "given"
        given.mkdir()
        files = {
            "token": "",
            "conf": "",
            "service": "",
            **({"environment": environment} if environment else {}),
        }
        for name, content in files.items():
            (given / name).write_text(content)
        self.run("add_to_host", "shop", str(given))

    def remove(self) -> None:
        self.run("remove_from_host", "shop", "shop", "shop")

    @property
    def file(self) -> Path:
        return self.root / FILE.lstrip("/")


@pytest.fixture
def host(tmp_path: Path) -> ScriptHost:
    return ScriptHost(tmp_path)


def test_it_is_brought_with_the_project_open_to_nobody_else_and_seen(host):
    host.add(OURS)

    assert host.file.read_text() == OURS
    assert host.file.stat().st_mode & 0o777 == 0o640
    assert str(host.file) in host.run("see_project", "shop")


def test_a_project_without_one_leaves_what_is_there(host):
    host.file.write_text(THEIRS)
    host.add("")

    assert host.file.read_text() == THEIRS


def test_it_goes_with_a_project_whose_application_is_not_installed(host):
    host.add(OURS)
    host.remove()

    assert not host.file.exists()


@pytest.mark.parametrize(("text", "status"), [(OURS, "installed"), (THEIRS, "")])
def test_an_application_that_goes_on_keeps_it_and_so_does_whoever_wrote_it_by_hand(host, text, status):
    host.says("dpkg-query", status)
    host.file.write_text(text)
    host.remove()

    assert host.file.read_text() == text
