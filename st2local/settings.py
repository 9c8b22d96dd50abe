"""What a server is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where everything is."""

    packs: list[Path]
    configs: Path | None
    data: Path
    virtualenvs: Path
    pack_python: str
    host: str
    api_port: int
    auth_port: int
    stream_port: int
    password_file: Path | None
    keep_days: int

    @property
    def api_url(self) -> str:
        """What actions and sensors are told."""
        return f"http://{self.host}:{self.api_port}/v1"
