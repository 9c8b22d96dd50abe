"""Files that configuration management brings to hosts, where the pack does not log in to them."""

from __future__ import annotations

import os
from pathlib import Path

from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.onboarding.item import MISSING, OTHER, THERE, Item


def item(settings: Settings, name: str, text: str) -> Item:
    """Return the file *name* of that folder, with *text* in it."""
    path = Path(settings.administration.changes_dir, name)
    state = _state(path, text)
    return Item(
        f"the file {path}",
        state,
        lambda: _write(path, text),
        lambda: _remove(path, Path(settings.administration.changes_dir)),
        "is there and says something else" if state == OTHER else "",
    )


def _state(path: Path, text: str) -> str:
    try:
        return THERE if path.read_text(encoding="utf-8") == text else OTHER
    except FileNotFoundError:
        return MISSING
    except (OSError, UnicodeDecodeError):
        return OTHER


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.",
            "Let the user of StackStorm's actions write in `administration.changes_dir`.",
        ) from None


def _remove(path: Path, root: Path) -> None:
    if path.exists():
        path.unlink()
    for folder in path.parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
