"""Which package builder and publisher a lab takes, and what its hosts borrow for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.hosts import tools


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("LAB_TOOLS", raising=False)


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_without_fpm_and_freight_it_is_nfpm_and_aptly():
    found = tools.find()

    assert (found.builder, found.publisher, found.binds) == ("nfpm", "aptly", ())
    assert found.needs_ruby is False


def test_freight_on_path_is_borrowed_with_its_library(tmp_path, monkeypatch):
    for name in ("freight", "freight-add", "freight-cache"):
        program(tmp_path / "bin" / name)
    (tmp_path / "lib" / "freight").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    found = tools.find()

    assert found.publisher == "freight"
    assert set(found.binds) == {
        str(tmp_path / name)
        for name in ("bin/freight", "bin/freight-add", "bin/freight-cache", "lib/freight")
    }
    assert str(tmp_path / "bin") in found.path.split(":")


def test_fpm_on_path_brings_ruby(tmp_path, monkeypatch):
    fpm = program(tmp_path / "bin" / "fpm")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    found = tools.find()

    assert (found.builder, found.needs_ruby, found.binds) == ("fpm", True, (str(fpm),))


def test_a_folder_of_tools_is_borrowed_as_a_whole(tmp_path, monkeypatch):
    program(tmp_path / "bin" / "fpm")
    program(tmp_path / "bin" / "freight")
    monkeypatch.setenv("LAB_TOOLS", str(tmp_path))

    found = tools.find()

    assert (found.builder, found.publisher, found.binds) == ("fpm", "freight", (str(tmp_path),))
    assert found.path.startswith(f"{tmp_path}/bin:{tmp_path}:")


def test_a_folder_of_tools_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_TOOLS", str(tmp_path / "none"))

    with pytest.raises(LabError, match="is not a folder"):
        tools.find()
