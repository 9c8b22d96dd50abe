"""The command line: `python3 -m cicd_project check DIR`."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, Sequence

from cicd import config, identifiers
from cicd.config import Project
from cicd.errors import CicdError, ConfigError, ProjectError
from cicd.pack_version import version
from cicd_project import check
from cicd_project.check import Checked, Made

GOOD, BROKEN, IMPOSSIBLE = 0, 1, 2
ABOUT = "Says what the pack would make of a project, before you push it."
EPILOG = "Exit status: 0 the commit would be packaged, 1 it would be refused, 2 it could not be checked."
LINE = re.compile(r"(\S+) line (\d+):? (.*)", re.S)


def main(words: Sequence[str]) -> int:
    """Do what *words* ask for and return the exit status."""
    asked = parser().parse_args(words)
    try:
        with tempfile.TemporaryDirectory(prefix="cicd-") as home:
            goal = Path.cwd() if asked.build else None
            _say(_shown(check.check(_project(asked), asked.folder, Path(home).resolve(), goal)))
    except ProjectError as error:
        _say(map(_placed, error.details.get("problems") or [error.message]))  # type: ignore[call-overload]
        return BROKEN
    except (CicdError, OSError) as error:
        sys.stderr.write(f"cicd_project: {error} {getattr(error, 'hint', '')}".rstrip() + "\n")
        return IMPOSSIBLE
    return GOOD


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="cicd_project",
        description=ABOUT,
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=version())
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    one = commands.add_parser("check", help="say what the pack would make of a project", epilog=EPILOG)
    one.add_argument(
        "folder", type=Path, help="the project's folder, as it is now; in a git repository or not"
    )
    one.add_argument(
        "--project", default="", help="its name in the pack; that of fpm.json or of the folder if not given"
    )
    one.add_argument(
        "--config", type=Path, help="the pack's cicd.yaml, for what an operator allows the project"
    )
    one.add_argument("--build", action="store_true", help="make the packages in the current folder, by nfpm")
    return top


def _project(asked: argparse.Namespace) -> Project:
    name = asked.project or _name(asked.folder)
    if asked.config is None:
        return Project(identifiers.check("project", name), f"local/{name[:100]}")
    import yaml

    try:
        return config.parse(yaml.safe_load(asked.config.read_text(encoding="utf-8"))).project(name)
    except yaml.YAMLError as error:
        raise ConfigError(f"{asked.config} is not YAML: {error}", "Correct it.") from None


def _name(folder: Path) -> str:
    try:
        described: Any = json.loads((folder / "fpm.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        described = {}
    said = described.get("name") if isinstance(described, dict) else ""
    return said if isinstance(said, str) and said else folder.resolve().name


def _placed(problem: str) -> str:
    """Return *problem*, which begins with its file and perhaps a line, as `file:line: what`."""
    found = LINE.fullmatch(problem)
    if found:
        return f"{found[1]}:{found[2]}: {found[3]}"
    return f"{re.split(r'[ :]', problem)[0]}:1: {problem}"


def _shown(checked: Checked) -> Iterator[str]:
    changed = ", with what is not committed" if checked.is_changed else ""
    for one in checked.packages:
        built = f", for {' and '.join(one.architectures)}" if one.architectures else ""
        yield f"{one.name} {checked.version}{changed}{built}"
        yield from _contents(one)


def _contents(made: Made) -> Iterator[str]:
    if made.entries is None:
        yield "What it contains is known once its own build has run: --build runs it here, without a sandbox."
    else:
        yield from (entry.line for entry in made.entries)
    yield from (f"lintian: {error}" for error in made.lintian)
    if made.package:
        yield f"{made.package}"


def _say(lines: Any) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
