"""Vagrant takes the machines of the site's data file, and says what is wrong with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INFRA = Path(__file__).parents[2] / "infra"


def validate(folder: Path, home: Path) -> str:
    """Return what Vagrant has against the Vagrantfile in *folder*; nothing when it takes it."""
    environment = {**os.environ, "VAGRANT_HOME": str(home), "VAGRANT_CHECKPOINT_DISABLE": "1"}
    command = ["vagrant", "validate", "--ignore-provider"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture
def infra(tmp_path: Path) -> Path:
    """A copy of what the Vagrantfile reads."""
    for part in ("vagrant", "ansible"):
        shutil.copytree(INFRA / part, tmp_path / part)
    shutil.copy(INFRA / "site.yaml", tmp_path)
    return tmp_path


def test_vagrant_takes_the_machines_of_the_site(infra):
    assert validate(infra / "vagrant", infra / "home") == ""


def test_vagrant_finds_what_is_wrong(infra):
    file = infra / "vagrant/Vagrantfile"
    text = file.read_text()
    assert "ansible.limit" in text
    file.write_text(text.replace("ansible.limit", "ansible.limits"))

    assert "limits" in validate(infra / "vagrant", infra / "home")
