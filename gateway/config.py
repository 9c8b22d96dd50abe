"""What the gateway is told: where it listens, whom it trusts, where it forwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ConfigError(Exception):
    """The configuration is incomplete or names a file that cannot be read; the text says which."""


@dataclass(frozen=True)
class Config:
    """The configuration, with every secret read from its file."""

    host: str
    port: int
    api_url: str
    api_key: str
    github_secrets: tuple[bytes, ...]
    jenkins_token: str
    spool: Path


def read(path: Path) -> Config:
    """Return the configuration in the YAML file *path*, or raise ConfigError with one sentence."""
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return Config(
        host=str(_value(data, path, "listen", "host")),
        port=int(_value(data, path, "listen", "port")),
        api_url=str(_value(data, path, "stackstorm", "api_url")).rstrip("/"),
        api_key=_secret(_value(data, path, "stackstorm", "api_key_file")),
        github_secrets=tuple(_secret(f).encode() for f in _value(data, path, "github", "secret_files")),
        jenkins_token=_secret(_value(data, path, "jenkins", "token_file")),
        spool=Path(_value(data, path, "spool")),
    )


def _value(data: Any, path: Path, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not data:
        raise ConfigError(f"`{'.'.join(keys)}` is missing in {path}; see gateway.yaml.example")
    return data


def _secret(path: str) -> str:
    try:
        text = Path(path).read_text().strip()
    except OSError as error:
        raise ConfigError(f"the secret file {path} cannot be read: {error.strerror}") from None
    if not text:
        raise ConfigError(f"the secret file {path} is empty")
    return text
