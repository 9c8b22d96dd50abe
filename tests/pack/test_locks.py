"""What is installed is what was locked: every package, its version and its bytes."""

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical
from packaging.version import Version

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem.removeprefix("requirements-") for path in ROOT.glob("requirements-*.txt"))
PIN = re.compile(r"\S+==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def requirements(file: Path) -> Iterator[Requirement]:
    """Yield what *file* asks for, and the files that it names."""
    for line in file.read_text().splitlines():
        line = re.sub(r"(^|  )#.*", "", line).strip()
        if line.startswith("-r "):
            yield from requirements(ROOT / line.removeprefix("-r "))
        elif line:
            yield Requirement(line)


def locked(name: str) -> list[Requirement]:
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    return [Requirement(pin[0].partition(" \\")[0]) for pin in PIN.finditer(text)]


def version(pin: Requirement) -> Version:
    (only,) = pin.specifier
    return Version(only.version)


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_is_pins_with_hashes_and_names_no_place(name):
    text = (ROOT / "locks" / f"{name}.txt").read_text()

    assert PIN.sub("", text) == ""
    assert text


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_required_is_locked_in_a_version_that_fits(name):
    pins = locked(name)
    for wanted in requirements(ROOT / f"requirements-{name}.txt"):
        if wanted.marker is None or wanted.marker.evaluate():
            found = [version(pin) for pin in pins if canonical(pin.name) == canonical(wanted.name)]
            assert found, f"{wanted.name}: run script/lock"
            assert all(each in wanted.specifier for each in found), f"{wanted}: run script/lock"


def test_what_runs_here_is_what_is_locked():
    here = [pin for pin in locked("dev") if pin.marker is None or pin.marker.evaluate()]

    assert {pin.name: version(pin) for pin in here} == {
        pin.name: Version(metadata.version(pin.name)) for pin in here
    }


def test_the_pack_takes_nothing_newer_than_the_release_that_was_tested():
    tested = {canonical(pin.name): version(pin) for pin in locked("dev")}
    for wanted in requirements(ROOT / "requirements.txt"):
        (bound,) = (Version(one.version) for one in wanted.specifier if one.operator == "<")
        if wanted.marker is None or wanted.marker.evaluate():
            used = tested[canonical(wanted.name)]
            assert used in wanted.specifier
            assert (bound.major, bound.minor) == (used.major, used.minor + 1), wanted


def wheel(folder: Path, name: str) -> str:
    """Write a wheel of *name*, and return its pin, as a lock has it."""
    path, info = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    return f"{name}==1.0 \\\n    --hash=sha256:{digest}\n"


def test_a_file_that_was_changed_since_it_was_locked_is_refused(tmp_path):
    for name in ("script", "locks", "files"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "script" / "environment", tmp_path / "script")
    for name in ("build", "thing"):
        (tmp_path / "locks" / f"{name}.txt").write_text(wheel(tmp_path / "files", name))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "venvs").symlink_to(ROOT / "build" / "venvs")
    own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "files"), "PIP_CONFIG_FILE": os.devnull}

    def make() -> subprocess.CompletedProcess[str]:
        command = [tmp_path / "script" / "environment", "venv", "thing"]
        environment = {**os.environ, **own}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with zipfile.ZipFile(tmp_path / "files" / "thing-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("more.py", "")
    refused = make()
    assert refused.returncode == 1
    assert "locks/thing.txt was not installed" in refused.stderr
    assert not list(tmp_path.glob("venv/lib/*/site-packages/thing.py"))

    (tmp_path / "locks" / "thing.txt").write_text(wheel(tmp_path / "files", "thing"))
    assert make().returncode == 0
    assert list(tmp_path.glob("venv/lib/*/site-packages/thing.py"))
