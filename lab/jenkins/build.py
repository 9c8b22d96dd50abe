"""One build: what was asked for, what became of it, kept on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

PARAMETERS = ("PROJECT", "COMMIT", "BRANCH", "REPOSITORY", "TRACE", "DIRECTORY")


@dataclass
class Build:
    """
    A build of *job*, which may lie in folders; times in milliseconds since 1970.

    *result* is None while it runs, *parameters* are empty when it was started without, *artifacts* has the
    MD5 of what was archived, by path.
    """

    job: str
    number: int
    queue_id: int
    parameters: dict[str, str]
    timestamp: int
    duration: int = 0
    result: str | None = None
    revision: str = ""
    changes: list[str] = field(default_factory=list)
    stopped: bool = False
    description: str | None = None
    artifacts: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The build's address below the server's, as Jenkins spells it."""
        return f"{place(self.job)}{self.number}/"

    def save(self, folder: Path) -> None:
        """Keep the build in its own folder below *folder*."""
        target = self.folder(folder)
        target.mkdir(parents=True, exist_ok=True)
        partial = target / ".build.json"
        partial.write_text(json.dumps(asdict(self)))
        partial.rename(target / "build.json")

    def folder(self, folder: Path) -> Path:
        return folder / "builds" / quote(self.job, safe="") / str(self.number)

    def archive(self, folder: Path) -> Path:
        return self.folder(folder) / "archive"

    def log(self, folder: Path) -> Path:
        return self.folder(folder) / "log"


def place(job: str) -> str:
    """Return the address of *job* below the server's: of `shop/feature%2Fcart` as Jenkins escapes it."""
    return "".join(f"job/{quote(part)}/" for part in job.split("/"))


def load(folder: Path, job: str) -> list[Build]:
    """Return the kept builds of *job*, oldest first; those that a restart interrupted are ABORTED."""
    files = (folder / "builds" / quote(job, safe="")).glob("*/build.json")
    builds = sorted((Build(**json.loads(path.read_text())) for path in files), key=lambda b: b.number)
    for build in builds:
        if build.result is None:
            build.result = "ABORTED"
            build.save(folder)
    return builds


def information(build: Build, root: str) -> dict[str, Any]:
    """Return the build as Jenkins' remote API shows it; *root* is the server's address."""
    return {
        "_class": "hudson.model.FreeStyleBuild",
        "actions": [_parameters(build) if build.parameters else {}, _git(build)],
        "fingerprint": [_fingerprint(build, path) for path in build.artifacts],
        "artifacts": [_artifact(path) for path in build.artifacts],
        "building": build.result is None,
        "description": build.description,
        "displayName": f"#{build.number}",
        "duration": build.duration,
        "estimatedDuration": -1,
        "executor": None,
        "fullDisplayName": f"{build.job.replace('/', ' » ')} #{build.number}",
        "id": str(build.number),
        "keepLog": False,
        "number": build.number,
        "queueId": build.queue_id,
        "result": build.result,
        "timestamp": build.timestamp,
        "url": f"{root}{build.path}",
        "builtOn": "",
        "changeSet": {"_class": "hudson.plugins.git.GitChangeSetList", "items": [], "kind": "git"},
        "culprits": [],
    }


def _artifact(path: str) -> dict[str, str]:
    name = path.rpartition("/")[2]
    return {"displayPath": name, "fileName": name, "relativePath": path}


def _fingerprint(build: Build, path: str) -> dict[str, Any]:
    return {
        "_class": "hudson.model.Fingerprint",
        "fileName": path.rpartition("/")[2],
        "hash": build.artifacts[path],
        "original": {"name": build.job, "number": build.number},
        "timestamp": build.timestamp,
        "usage": [
            {"name": build.job, "ranges": {"ranges": [{"start": build.number, "end": build.number + 1}]}}
        ],
    }


def _parameters(build: Build) -> dict[str, Any]:
    values = [
        {"_class": "hudson.model.StringParameterValue", "name": name, "value": value}
        for name, value in build.parameters.items()
    ]
    return {"_class": "hudson.model.ParametersAction", "parameters": values}


def _git(build: Build) -> dict[str, Any]:
    if not build.revision:
        return {}
    branch = {"SHA1": build.revision, "name": f"origin/{build.parameters.get('BRANCH', '')}"}
    return {
        "_class": "hudson.plugins.git.util.BuildData",
        "lastBuiltRevision": {"SHA1": build.revision, "branch": [branch]},
        "remoteUrls": [build.parameters.get("REPOSITORY", "")],
        "scmName": "",
    }
