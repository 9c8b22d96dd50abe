"""What the status page is configured with: where it listens, the pack's configuration, its own token."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cicd import config as pack
from cicd import project_files
from cicd.config import Settings
from cicd.errors import CicdError
from gateway.told import ConfigError, Told, document

HOST, PORT = "127.0.0.1", 9120
EXAMPLE = "status.yaml.example"
KNOWN = {
    "listen": {"host", "port"},
    "pack": set(),
    "consul": {"url", "token_file", "ca_file"},
    "links": {"commit"},
}
__all__ = ["Config", "ConfigError", "read"]
COMMIT_URL = "https://github.com/{repository}/commit/{commit}"


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

    @property
    def seen(self) -> tuple[object, ...]:
        """What is another one once the pack's configuration, or the file of a project, has changed."""
        try:
            folder = str(_mapping(self.pack).get("projects_dir") or "")
            files = project_files.paths(folder) if folder else []
        except (ConfigError, CicdError):
            files = []
        return tuple(_age(path) for path in (self.pack, *files))

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
    told = Told(path, _mapping(path), EXAMPLE)
    told.refuse_unknown(KNOWN)
    for section in ("listen", "consul", "links"):
        told.value(dict, section, default={})
    if not told.has("pack"):
        raise told.wrong("pack", f"is missing; see {EXAMPLE}")
    port = told.value(int, "listen", "port", default=PORT)
    if not 0 <= port < 65536:
        raise told.wrong("listen.port", "is not a valid port")
    return Config(
        host=told.value(str, "listen", "host", default=HOST),
        port=port,
        pack=Path(told.value(str, "pack")),
        consul={key: told.value(str, "consul", key) for key in KNOWN["consul"] if told.has("consul", key)},
        commit_url=told.value(str, "links", "commit", default=COMMIT_URL),
    )


def _age(path: Path) -> tuple[str, int]:
    with suppress(OSError):
        return str(path), path.stat().st_mtime_ns
    return str(path), 0


def _mapping(path: Path) -> dict[str, object]:
    found = document(path)
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is not a mapping of keys to values")
    return found
