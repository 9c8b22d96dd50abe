"""One run of a workflow: what was asked for, what became of it, kept on disk."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

QUEUED, IN_PROGRESS, COMPLETED = "queued", "in_progress", "completed"
FIRST = 10_000_000_000  # GitHub's are as large


@dataclass
class Run:
    """A run of the file *workflow* in *repository*; times in epoch seconds, *uploads* sha256 by name."""

    id: int
    number: int
    repository: str
    workflow: str
    name: str
    title: str
    branch: str
    head_sha: str
    actor: str
    inputs: dict[str, str]
    event: str = "workflow_dispatch"
    attempt: int = 1
    status: str = QUEUED
    conclusion: str | None = None
    created: float = field(default_factory=time.time)
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    uploads: dict[str, str] = field(default_factory=dict)
    cancelled: bool = False

    def folder(self, root: Path) -> Path:
        return root / str(self.id)

    def log(self, root: Path) -> Path:
        return self.folder(root) / "log"

    def upload(self, root: Path, name: str) -> Path:
        """Return the zip of what was uploaded as *name*."""
        return self.folder(root) / f"{hashlib.sha256(name.encode()).hexdigest()}.zip"

    def move(self, root: Path, status: str, conclusion: str | None = None) -> None:
        """Let the run be in *status* from now on."""
        self.status, self.conclusion, self.updated = status, conclusion, time.time()
        self.save(root)

    def save(self, root: Path) -> None:
        """Keep the run in its own folder below *root*."""
        folder = self.folder(root)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / ".run.json"
        partial.write_text(json.dumps(asdict(self)))
        partial.rename(folder / "run.json")


def load(root: Path) -> dict[int, Run]:
    """Return the kept runs by id; those that a restart interrupted are cancelled."""
    found = [Run(**json.loads(path.read_text())) for path in root.glob("*/run.json")]
    for run in found:
        if run.status != COMPLETED:
            run.move(root, COMPLETED, "cancelled")
    return {run.id: run for run in sorted(found, key=lambda one: one.id)}
