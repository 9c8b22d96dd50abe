"""What the status page is configured with: where it listens, the pack's configuration, its own token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from cicd import config as pack
from cicd.config import Settings
from cicd.errors import CicdError

KNOWN = {
    "listen": {"host", "port"},
    "pack": set(),
    "consul": {"url", "token_file", "ca_file"},
    "links": {"commit"},
}
COMMIT_URL = "https://github.com/{repository}/commit/{commit}"


class ConfigError(Exception):
    """The configuration cannot be used; the text says why, and which key or file it is about."""


@dataclass(frozen=True)
class Config:
    """
    Where the page listens, and where the configuration of the pack is that names the projects.

    `consul` are keys of that section which are its own here. `commit_url` leads to a commit, with
    `{repository}` and `{commit}` in it.
    """

    host: str
    port: int
    pack: Path
    consul: Mapping[str, str]
    commit_url: str

    def settings(self) -> Settings:
        """Return the pack's configuration as it is now; ConfigError when it cannot be used."""
        found = _mapping(self.pack)
        consul = found.get("consul")
        own = {**(consul if isinstance(consul, dict) else {}), **self.consul}
        try:
            return pack.parse({**found, "consul": own})
        except CicdError as error:
            raise ConfigError(f"{self.pack}: {error.message} {error.hint}".strip()) from None


def read(path: Path) -> Config:
    """Return the configuration in the YAML file *path*; ConfigError when it cannot be used."""
    found = _mapping(path)
    _refuse_unknown(path, found)
    listen, links = _section(path, found, "listen"), _section(path, found, "links")
    consul = {
        key: _text(path, "consul", key, value) for key, value in _section(path, found, "consul").items()
    }
    return Config(
        host=_text(path, "listen", "host", listen.get("host") or "127.0.0.1"),
        port=_port(path, listen.get("port")),
        pack=Path(_text(path, "", "pack", found.get("pack"))),
        consul=consul,
        commit_url=_text(path, "links", "commit", links.get("commit") or COMMIT_URL),
    )


def _mapping(path: Path) -> dict[str, object]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is no mapping of keys to values")
    return found


def _refuse_unknown(path: Path, found: Mapping[str, object]) -> None:
    for key, value in found.items():
        inside = value if isinstance(value, dict) and KNOWN.get(key) else {}
        wrong = [key] if key not in KNOWN else [f"{key}.{one}" for one in inside if one not in KNOWN[key]]
        if wrong:
            raise ConfigError(f"`{wrong[0]}` in {path} is not known; see status.yaml.example")


def _section(path: Path, found: Mapping[str, object], name: str) -> dict[str, object]:
    section = found.get(name) or {}
    if not isinstance(section, dict):
        raise ConfigError(f"`{name}` in {path} is no mapping; see status.yaml.example")
    return section


def _text(path: Path, section: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        name = f"{section}.{key}" if section else key
        raise ConfigError(f"`{name}` in {path} is missing or no text; see status.yaml.example")
    return value


def _port(path: Path, value: object) -> int:
    port = 9120 if value is None else value
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise ConfigError(f"`listen.port` in {path} is no port")
    return port
