"""A project's own build, run on the machine of who wrote it."""

from __future__ import annotations

import os
from pathlib import Path

from cicd.config import Project
from cicd.errors import HostError, ProjectError
from cicd.package import answers
from cicd.package.contract import Contract
from cicd_project.machine import ThisMachine

SCRIPT = Path(__file__).with_suffix(".sh")


def run(machine: ThisMachine, run: str, project: Project, commit: str, found: Contract, seconds: int) -> str:
    """Let the build of *found* make the tree of *run* and return its digest; ProjectError when it fails."""
    meta, home = found.metadata, os.environ.get("HOME", "/")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache") / "cicd" / project.name
    cache.mkdir(parents=True, exist_ok=True)
    environment = {
        "CICD_ARCHITECTURE": meta.architecture if meta.architectures else "",
        "CALLERS_HOME": home,
        "CICD_CACHE": str(cache),
        "CICD_COMMIT": commit,
        "CICD_PROJECT": project.name,
        "CICD_VERSION": found.version,
        "SOURCE_DATE_EPOCH": str(found.time),
    }
    arguments = [run, meta.build, project.directory, meta.prefix]
    try:
        said = machine.text(SCRIPT.read_text(encoding="utf-8"), "own_build", arguments, seconds, environment)
    except HostError as error:
        raise ProjectError(f"{meta.build} does not end well here: {error.message}", error.hint) from None
    return answers.pairs(said)["digest"]
