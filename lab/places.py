"""Where a lab keeps its files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

REPOSITORY = Path(__file__).resolve().parents[1]
STAMP = ".cicd-lab"


@dataclass(frozen=True)
class Places:
    """The folders and files of one lab; *root* also names it among other labs of this machine."""

    root: Path
    cache: Path = REPOSITORY / "build" / "cache"  # shared by all labs

    @classmethod
    def from_environment(cls) -> Places:
        """Return the places that LAB_ROOT and LAB_CACHE name, or build/lab and build/cache."""
        root = Path(os.environ.get("LAB_ROOT") or REPOSITORY / "build" / "lab")
        return cls(root.resolve(), Path(os.environ.get("LAB_CACHE") or cls.cache).resolve())

    def claim(self) -> None:
        """Make the root this lab's own; LabError when it holds what no lab has put there."""
        if self.root.is_dir() and any(self.root.iterdir()) and not self.is_claimed:
            raise LabError(
                f"{self.root} is not empty, and no lab made it.", "Set LAB_ROOT to an empty folder."
            )
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / STAMP).touch()

    @property
    def is_claimed(self) -> bool:
        """Whether everything under the root is a lab's, and may be removed."""
        return (self.root / STAMP).exists() or self.root == REPOSITORY / "build" / "lab"

    @property
    def identity(self) -> str:
        """A short name of this lab that is stable between runs."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def hosts(self) -> Path:
        return self.root / "hosts"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def configs(self) -> Path:
        return self.root / "configs"

    @property
    def projects(self) -> Path:
        return self.root / "projects.d"

    @property
    def data(self) -> Path:
        return self.root / "st2local"

    @property
    def clone(self) -> Path:
        return self.clones("greeter")

    def clones(self, project: str) -> Path:
        """Return the clone in which a developer of *project* works."""
        return self.root / "clones" / project

    @property
    def world_file(self) -> Path:
        return self.root / "world.json"

    @property
    def environment_file(self) -> Path:
        return self.root / "env"

    @property
    def lock_file(self) -> Path:
        return self.root.with_name(f"{self.root.name}.lock")

    @property
    def cache_lock(self) -> Path:
        return self.cache / ".lock"
