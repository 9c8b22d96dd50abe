"""A workflow file, as far as a dispatch needs it: its name, its inputs, how a run of it is called."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = ".github/workflows"
INPUT = re.compile(r"\$\{\{\s*inputs\.([\w-]+)\s*\}\}")
UPLOAD = re.compile(r"uses:\s*(actions/upload-artifact@[\w.-]+)")


@dataclass(frozen=True)
class Workflow:
    """*inputs* is None without `workflow_dispatch`; *uploads* are the versions of the action that uploads."""

    file: str
    name: str
    run_name: str
    inputs: tuple[str, ...] | None
    uploads: tuple[str, ...]

    def title(self, given: dict[str, str]) -> str:
        """Return how a run with the inputs *given* is called."""
        return INPUT.sub(lambda found: given.get(found[1], ""), self.run_name) or self.name


def read(bare: Path, commit: str, file: str) -> Workflow | None:
    """Return the workflow *file* of *commit*; None when it has none of that name."""
    argv = ["git", "-C", str(bare), "show", f"{commit}:{FOLDER}/{file}"]
    done = subprocess.run(argv, capture_output=True, check=False)
    return _parsed(file, done.stdout.decode(errors="replace")) if done.returncode == 0 else None


def _parsed(file: str, text: str) -> Workflow:
    """A host of the lab has no YAML library; this reads the block style of such files."""
    uploads = tuple(dict.fromkeys(UPLOAD.findall(text)))
    name, run_name = _line(text, "name") or f"{FOLDER}/{file}", _line(text, "run-name")
    return Workflow(file, name, run_name, _inputs(text), uploads)


def _line(text: str, key: str) -> str:
    found = re.search(rf"^{key}:[ \t]*(.+?)[ \t]*$", text, re.MULTILINE)
    return found[1].strip("\"'") if found else ""


def _inputs(text: str) -> tuple[str, ...] | None:
    if not re.search(r"^\s*workflow_dispatch:|\bworkflow_dispatch\b", text, re.MULTILINE):
        return None
    block = re.search(r"^( +)inputs:[ \t]*\n((?:\1 +.*\n|[ \t]*\n)*)", text, re.MULTILINE)
    if block is None:
        return ()
    depth = len(re.match(" *", block[2])[0])  # type: ignore[index]
    return tuple(re.findall(rf"^ {{{depth}}}([\w-]+):", block[2], re.MULTILINE))
