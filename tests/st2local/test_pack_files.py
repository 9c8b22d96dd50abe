"""A pack's files are what an installation from its directory would bring."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from st2local.content import pack_files


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for name in ("pack.yaml", "actions/a.yaml", "actions/a.pyc", "build/secret", ".hidden/x", ".env"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n")
    return tmp_path


def test_without_a_repository_they_are_all_that_are_not_hidden(pack: Path) -> None:
    assert pack_files.of(pack) == ("actions/a.yaml", "build/secret", "pack.yaml")


def test_with_a_repository_they_are_those_it_does_not_ignore(pack: Path) -> None:
    subprocess.run(["git", "init", "-q", str(pack)], check=True)
    assert pack_files.of(pack) == ("actions/a.yaml", "pack.yaml")


def test_what_is_no_repository_in_spite_of_its_name_is_read_as_a_folder(pack: Path) -> None:
    (pack / ".git").write_text("gitdir: nowhere\n")
    assert "build/secret" in pack_files.of(pack)


def test_a_name_that_is_no_text_and_a_link_to_nothing_are_left_out(pack: Path) -> None:
    (pack / os.fsdecode(b"\xff.yaml")).write_text("x")
    (pack / "gone").symlink_to("nowhere")
    assert pack_files.of(pack) == ("actions/a.yaml", "build/secret", "pack.yaml")
