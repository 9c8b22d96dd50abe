"""The virtualenvs of packs: whose Python makes them, and when they are made anew."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from st2local.content.registry import Registry
from st2local.errors import RefusedError
from st2local.virtualenvs import Virtualenvs
from tests.conformance.local import ROOT

PROBE = ROOT / "tests" / "conformance" / "packs" / "probe"


def another_python(folder: Path, version: str) -> Path:
    """Return this Python under another version, which notes what it is asked to do."""
    script = folder / f"python-{version}"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = -VV ] && exec echo "Python {version}"\n'
        f'echo "$@" >>{folder}/asked\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return script


def made_by(python: Path | str, folder: Path) -> Path:
    return Path(Virtualenvs(Registry.of([PROBE]), folder / "venvs", str(python)).ready("probe").python)


def test_the_python_that_is_named_makes_the_virtualenv_once(tmp_path: Path) -> None:
    python = another_python(tmp_path, "3.1.4")

    assert made_by(python, tmp_path) == made_by(python, tmp_path)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"-m venv --without-pip {tmp_path}/venvs/probe"]


def test_another_version_of_python_makes_it_anew(tmp_path: Path) -> None:
    left = made_by(another_python(tmp_path, "3.1.4"), tmp_path).parent / "left"
    left.touch()
    made_by(another_python(tmp_path, "3.1.5"), tmp_path)

    assert not left.exists()


def test_a_python_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"virtualenv of pack probe could not be made: .*nowhere/python"):
        made_by("/nowhere/python", tmp_path)


def test_servers_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    python = another_python(tmp_path, "3.1.4")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: made_by(python, tmp_path), range(4)))

    assert len(set(made)) == 1
    assert (tmp_path / "asked").read_text().splitlines() == [f"-m venv --without-pip {tmp_path}/venvs/probe"]
