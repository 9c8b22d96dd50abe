"""What the gateway is told: where it listens, whom it trusts, where it forwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

READ_SECONDS = 10.0
REQUIRED: Any = object()


class ConfigError(Exception):
    """The configuration is incomplete or names a file that cannot be read; the text says which."""


@dataclass(frozen=True)
class Config:
    """The configuration, with every secret read from its file."""

    host: str
    port: int
    api_url: str
    api_key: str = field(repr=False)
    github_secrets: tuple[bytes, ...] = field(repr=False)
    jenkins_token: str = field(repr=False)
    spool: Path
    read_seconds: float = READ_SECONDS


def read(path: Path) -> Config:
    """Return the configuration in the YAML file *path*, or raise ConfigError with one sentence."""
    told = _Told(path)
    return Config(
        host=told.value(str, "listen", "host"),
        port=told.value(int, "listen", "port"),
        api_url=_url(told.value(str, "stackstorm", "api_url"), path),
        api_key=_secret(told.value(str, "stackstorm", "api_key_file")),
        github_secrets=tuple(_secret(file).encode() for file in _files(told, path)),
        jenkins_token=_secret(told.value(str, "jenkins", "token_file")),
        spool=Path(told.value(str, "spool")),
        read_seconds=told.value((int, float), "listen", "read_seconds", default=READ_SECONDS),
    )


class _Told:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None

    def value(self, kind: Any, *keys: str, default: Any = REQUIRED) -> Any:
        """Return what stands under *keys*; ConfigError when it is missing or not of *kind*."""
        found = self._data
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        name = ".".join(keys)
        if found is None and default is not REQUIRED:
            return default
        if found in (None, "", []):
            raise ConfigError(f"`{name}` is missing in {self._path}; see gateway.yaml.example")
        if isinstance(found, bool) or not isinstance(found, kind):
            raise ConfigError(f"`{name}` in {self._path} has the wrong type; see gateway.yaml.example")
        return found


def _files(told: _Told, path: Path) -> list[str]:
    files: list[str] = told.value(list, "github", "secret_files")
    if not all(isinstance(file, str) for file in files):
        raise ConfigError(f"`github.secret_files` in {path} is not a list of file names")
    return files


def _url(text: str, path: Path) -> str:
    if not text.startswith(("http://", "https://")):
        raise ConfigError(f"`stackstorm.api_url` in {path} does not begin with http:// or https://")
    return text.rstrip("/")


def _secret(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"the secret file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"the secret file {path} is not text") from None
    if not text:
        raise ConfigError(f"the secret file {path} is empty")
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"the secret file {path} holds more than one line of plain text")
    return text
