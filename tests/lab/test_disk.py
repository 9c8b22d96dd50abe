"""A host's disk: what is written over the shared root filesystem keeps that one's modes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.hosts.disk import Disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    base, upper = tmp_path / "base", tmp_path / "upper"
    (base / "home" / "cicd").mkdir(parents=True)
    (base / "home" / "cicd").chmod(0o700)
    os.chown(base / "home" / "cicd", 1000, 1000)
    (base / "usr/lib/systemd/system").mkdir(parents=True)
    (base / "usr/lib/systemd/system/nginx.service").touch()
    upper.mkdir()
    return Disk(base, upper)


def test_a_folder_above_a_file_is_as_it_is_below(disk):
    disk.write("home/cicd/.ssh/authorized_keys", "key\n", mode=0o600, owner="cicd")

    home = (disk.upper / "home/cicd").stat()
    assert (home.st_mode & 0o777, home.st_uid) == (0o700, 1000)
    assert (disk.upper / "home").stat().st_uid == 0


def test_a_file_belongs_to_whom_it_is_for(disk):
    disk.write("etc/cicd/token", "secret\n", mode=0o600, owner="jenkins")

    found = (disk.upper / "etc/cicd/token").stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o600, 1002)


@pytest.mark.parametrize(
    ("unit", "folder"), [("nginx.service", "/usr/lib/systemd/system"), ("own.service", "/etc/systemd/system")]
)
def test_a_unit_is_enabled_where_it_is(disk, unit, folder):
    disk.enable(unit)

    link = disk.upper / "etc/systemd/system/multi-user.target.wants" / unit
    assert os.readlink(link) == f"{folder}/{unit}"


def test_a_copied_folder_is_readable_whatever_the_modes_of_a_checkout(disk, tmp_path):
    source = tmp_path / "source"
    source.mkdir(mode=0o700)
    (source / "code.py").write_text("pass\n")
    (source / "code.py").chmod(0o600)

    disk.copy(source, "usr/lib/lab")

    assert (disk.upper / "usr/lib/lab").stat().st_mode & 0o777 == 0o755
    assert (disk.upper / "usr/lib/lab/code.py").stat().st_mode & 0o777 == 0o644
