"""The YAML files of the pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
Yaml = dict[str, Any]  # as its author wrote it


def files(folder: str) -> list[Yaml]:
    """Return what the YAML files of *folder* hold, by their names."""
    return [yaml.safe_load(path.read_text()) for path in sorted((ROOT / folder).glob("*.yaml"))]


def about() -> Yaml:
    """Return pack.yaml."""
    return dict(yaml.safe_load((ROOT / "pack.yaml").read_text()))


def schema() -> Yaml:
    """Return config.schema.yaml."""
    return dict(yaml.safe_load((ROOT / "config.schema.yaml").read_text()))


def callers() -> Iterator[tuple[str, str]]:
    """Yield each action that something calls, and what that is."""
    for path in sorted((ROOT / "actions" / "workflows").glob("*.yaml")):
        for task in yaml.safe_load(path.read_text())["tasks"].values():
            yield task.get("action", ""), f"workflow {path.stem}"
    for rule in files("rules"):
        if rule["enabled"]:
            yield rule["action"]["ref"], f"rule {rule['name']}"
    for alias in files("aliases"):
        yield alias["action_ref"], "chat"
