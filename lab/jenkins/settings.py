"""The stand-in's settings, one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the stand-in listens, what it builds, and whom it tells."""

    host: str
    port: int
    url: str  # as clients reach it, with a slash at the end
    user: str
    token_file: str
    jobs: tuple[str, ...]
    folder: str  # builds and workspaces
    callback_url: str
    callback_token_file: str
    protocols: str = "ssh:https"  # that git may clone over
    executors: int = 2
    build_seconds: int = 600

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Return the settings in the JSON file *path*."""
        values = json.loads(path.read_text())
        return cls(**{**values, "jobs": tuple(values["jobs"])})

    @property
    def token(self) -> str:
        return Path(self.token_file).read_text().strip()

    @property
    def callback(self) -> str:
        """The callback's address; the plugin can send no header, so the token is part of it."""
        return f"{self.callback_url}?token={Path(self.callback_token_file).read_text().strip()}"
