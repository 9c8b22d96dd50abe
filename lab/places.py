"""Where a lab keeps its files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


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
    def data(self) -> Path:
        return self.root / "st2local"

    @property
    def clone(self) -> Path:
        return self.root / "greeter"

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
