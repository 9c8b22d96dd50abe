"""A configuration file as it is written, asked key by key; every mistake is one sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REQUIRED: Any = object()
SECRET_LENGTH = 16  # shorter ones can be guessed


class ConfigError(Exception):
    """The configuration is incomplete or names a file that cannot be read; the text says which."""


def document(path: Path) -> Any:
    """Return what the YAML file *path* holds; ConfigError when it cannot be read."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


class Told:
    """What is told in the file *path*; *example* shows what may be."""

    def __init__(self, path: Path, data: Any, example: str = "gateway.yaml.example") -> None:
        self._path = path
        self._data = data
        self._example = example

    @classmethod
    def read(cls, path: Path) -> Told:
        """Return what is told in the YAML file *path*."""
        return cls(path, document(path))

    def value(self, kind: Any, *keys: str, default: Any = REQUIRED) -> Any:
        """Return what stands under *keys*; ConfigError when it is missing or not of *kind*."""
        found, name = self._find(keys), ".".join(keys)
        if found is None and default is not REQUIRED:
            return default
        if found in (None, "", [], {}):
            raise ConfigError(f"`{name}` is missing in {self._path}; see {self._example}")
        if isinstance(found, bool) or not isinstance(found, kind):
            raise self.wrong(name, f"has the wrong type; see {self._example}")
        return found

    def has(self, *keys: str) -> bool:
        """Return whether anything stands under *keys*."""
        return self._find(keys) is not None

    def secret(self, section: str, name: str) -> str:
        """Return the secret that `<name>_file` or `<name>_env` of *section* leads to."""
        if self.has(section, f"{name}_env"):
            return _from_environment(self.value(str, section, f"{name}_env"))
        return _from_file(self.value(str, section, f"{name}_file"))

    def secrets(self, *keys: str) -> tuple[bytes, ...]:
        """Return the secrets that `secret_files` and `secret_envs` under *keys* lead to."""
        variables = self.names(*keys, "secret_envs") if self.has(*keys, "secret_envs") else []
        files = self.names(*keys, "secret_files") if self.has(*keys, "secret_files") or not variables else []
        found = [_from_file(file) for file in files] + [_from_environment(name) for name in variables]
        return tuple(secret.encode() for secret in found)

    def names(self, *keys: str) -> list[str]:
        """Return the list of names under *keys*."""
        names: list[str] = self.value(list, *keys)
        if not all(isinstance(name, str) for name in names):
            raise self.wrong(".".join(keys), "is not a list of names")
        return names

    def refuse_unknown(self, known: Mapping[str, set[str]]) -> None:
        """Raise ConfigError when there is a section, or in one a key, that is not *known*."""
        self.refuse_unknown_below(set(known))
        for section, keys in known.items():
            self.refuse_unknown_below(keys, section)

    def refuse_unknown_below(self, known: set[str], *keys: str) -> None:
        """Raise ConfigError when there is a key under *keys* that is not *known*."""
        # A misspelt restriction would restrict nothing.
        found = self._find(keys)
        odd = sorted(str(key) for key in found if key not in known) if isinstance(found, dict) else []
        if odd:
            raise self.wrong(".".join([*keys, odd[0]]), f"is not known; see {self._example}")

    def wrong(self, name: str, what: str) -> ConfigError:
        """Return the error that says *what* is wrong with *name*."""
        return ConfigError(f"`{name}` in {self._path} {what}")

    def _find(self, keys: tuple[str, ...]) -> Any:
        found = self._data
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found


def _from_file(path: str) -> str:
    where = f"the secret file {path}"
    try:
        text = _plain(where, Path(path).read_text(encoding="utf-8").strip())
        if Path(path).stat().st_mode & stat.S_IROTH:
            raise ConfigError(f"{where} can be read by every user of this machine; chmod 0400 it")
        return text
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{where} is not text") from None


def _from_environment(name: str) -> str:
    return _plain(f"the environment variable {name}", os.environ.get(name, "").strip())


def _plain(where: str, text: str) -> str:
    if not text:
        raise ConfigError(f"{where} is empty")
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{where} holds more than one line of plain text")
    if len(text) < SECRET_LENGTH:
        raise ConfigError(f"{where} holds fewer than {SECRET_LENGTH} characters; use: openssl rand -hex 32")
    return text
